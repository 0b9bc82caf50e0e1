-- What functions/hello.lua should do: gateway test spec
describe("hello", function()
  functions "../kong.yml"

  it("tells the server who asks", function()
    local response, forwarded = request { path = "/hello?name=ada" }
    assert.equal(200, response.status)
    assert.equal("Hello, ada", response.headers["X-Greeting"])
    assert.equal("ada", forwarded.headers["X-Name"])
  end)

  it("wants to know who asks", function()
    local response, forwarded = request { path = "/hello" }
    assert.equal(400, response.status)
    assert.matches("Who are you", response.json().message)
    assert.is_nil(forwarded)
  end)
end)
