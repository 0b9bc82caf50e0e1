-- What examples/functions/external-auth.yml should do: gateway test examples/specs

describe("external-auth", function()
  functions "../functions/external-auth.yml"

  local function asked(request_to_check)
    local checked
    http("http://auth.internal:8080/check", function(req)
      checked = req
      return { status = 200, headers = { ["X-User"] = "ada" } }
    end)
    local response, forwarded = request(request_to_check)
    return checked, response, forwarded
  end

  it("asks the other service with what the client has sent", function()
    local checked = asked { method = "PUT", path = "/orders/7?full=1", headers = { Authorization = "Bearer abc" } }
    assert.equal("PUT", checked.headers["X-Original-Method"])
    assert.equal("/orders/7?full=1", checked.headers["X-Original-URI"])
    assert.equal("Bearer abc", checked.headers.Authorization)
  end)

  it("tells the service who it is", function()
    local _, response, forwarded = asked {}
    assert.equal(200, response.status)
    assert.equal("ada", forwarded.headers["X-User"])
    assert.equal("yes", forwarded.headers["X-Checked"])
  end)

  it("passes on what the other service refuses", function()
    http("http://auth.internal:8080/check", {
      status = 401, headers = { ["WWW-Authenticate"] = "Bearer" }, body = { message = "Who are you?" },
    })
    local response, forwarded = request {}
    assert.equal(401, response.status)
    assert.equal("Bearer", response.headers["WWW-Authenticate"])
    assert.same({ message = "Who are you?" }, response.json())
    assert.is_nil(forwarded)
  end)

  it("lets through, marked, what nobody has checked", function()
    http("http://auth.internal:8080/check", { status = 503 })
    local _, forwarded, logs = request {}
    assert.equal("no", forwarded.headers["X-Checked"])
    assert.matches("let through without a check: 503", logs[1].message)
  end)
end)
