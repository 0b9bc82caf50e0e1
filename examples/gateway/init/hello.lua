-- Wants to know who asks, and tells the server.
local name = kong.request.get_query_arg("name")
if type(name) ~= "string" then
  return kong.response.exit(400, { message = "Who are you? Say it with ?name=" })
end
kong.service.request.set_header("X-Name", name)
kong.response.set_header("X-Greeting", "Hello, " .. name)
