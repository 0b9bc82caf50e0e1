---@meta _

-- The words that specs are written in, for editors: `gateway test`.

---@class spec.request
---@field method? string `GET`, if nothing is said
---@field path? string the path and the arguments; `/`, if nothing is said
---@field headers? table<string, string|string[]> names in any case
---@field body? string|table a table becomes JSON
---@field scheme? string `http`, if nothing is said
---@field ip? string the client's address

---@class spec.response
---@field status integer
---@field headers table<string, any> names in any case; several values of one name are an array
---@field body string
---@field json fun(): any the body, decoded

---@class spec.forwarded
---@field method string
---@field path string
---@field query string? the arguments, as they stand behind the `?`
---@field headers table<string, any> names in any case; several values of one name are an array
---@field body string
---@field host string? where functions have said it
---@field port integer? where functions have said it
---@field scheme string? where functions have said it
---@field upstream string? where functions have said it
---@field json fun(): any the body, decoded

---@class spec.answer
---@field status? integer 200, if nothing is said
---@field headers? table<string, string|string[]>
---@field body? string|table a table becomes JSON

---@class spec.line
---@field level string `err`, `warn`, `notice`, `info`, `debug`
---@field message string

---@class spec.functions
---@field certificate? string|string[]
---@field rewrite? string|string[]
---@field access? string|string[]
---@field header_filter? string|string[]
---@field body_filter? string|string[]
---@field log? string|string[]

---A block of tests. What is said in it holds for them.
---@param name string what they are about
---@param define fun() has the tests
function describe(name, define) end

---A test. It has failed if it raises an error.
---@param name string what should be so
---@param run fun() sends requests and looks at what comes of them
function it(name, run) end

---A test that there is not yet.
---@param name string what should be so
---@param run? fun() is not run
function pending(name, run) end

---Runs before each test of the block.
---@param run fun() what is run
function before_each(run) end

---Runs after each test of the block.
---@param run fun() what is run
function after_each(run) end

---Runs once, before the tests of the block.
---@param run fun() what is run
function setup(run) end

---Runs once, after the tests of the block.
---@param run fun() what is run
function teardown(run) end

context, test, spec = describe, it, it
lazy_setup, strict_setup = setup, setup
lazy_teardown, strict_teardown = teardown, teardown

---The functions that requests go through, by phases: texts, or names of files beside the spec that end in `.lua`. Or a
---declarative file, all of whose functions are meant.
---@param set spec.functions|string the functions
function functions(set) end

---Sends a request through the functions.
---@param request? spec.request what is sent
---@return spec.response response what the client gets
---@return spec.forwarded? forwarded what the server gets; nil if a function has answered itself
---@return spec.line[] logs the lines of the log
function request(request) end

---What the server behind the functions answers.
---@param answer spec.answer|fun(request: spec.forwarded): spec.answer? the answer, or what makes it of a request
function upstream(answer) end

---What another server answers that functions ask.
---@param url string whom; all URLs that begin with it, if it ends in `*`
---@param answer spec.answer|fun(request: spec.forwarded): spec.answer? the answer, or what makes it of a request
function http(url, answer) end

---A dictionary of `ngx.shared`.
---@param name string its name
---@param bytes? integer its size
function shared_dict(name, bytes) end

---Variables for `os.getenv` and `kong.vault`.
---@param variables table<string, string> their values by their names
function environment(variables) end

---What time it is.
---@param time number|string seconds since 1970, or as HTTP writes it
function clock(time) end

---Lets time go by.
---@param seconds number how much
function advance(seconds) end

---Runs Lua where functions run, to fill dictionaries and `kong.cache`.
---@param source string the Lua
function prepare(source) end

json = {}

---@param value any what is to be JSON
---@return string text the JSON
function json.encode(value) end

---@param text string JSON
---@return any value what it says
function json.decode(text) end

---busted's assertions, each with `not`: `assert.is_not_nil`, `assert.are_not.same`.
---@class spec.assert
---@field equal fun(expected: any, actual: any) the same value
---@field equals fun(expected: any, actual: any) the same value
---@field same fun(expected: any, actual: any) tables with the same in them
---@field matches fun(pattern: string, actual: any) a text that a pattern of Lua's is in
---@field match fun(pattern: string, actual: any) a text that a pattern of Lua's is in
---@field has_error fun(f: fun(), expected?: any) an error is raised
---@field error fun(f: fun(), expected?: any) an error is raised
---@field errors fun(f: fun(), expected?: any) an error is raised
---@field is_true fun(actual: any)
---@field is_false fun(actual: any)
---@field is_nil fun(actual: any)
---@field truthy fun(actual: any) all but nil and false
---@field falsy fun(actual: any) nil and false
---@field is_string fun(actual: any)
---@field is_number fun(actual: any)
---@field is_table fun(actual: any)
---@field is_boolean fun(actual: any)
---@field is_function fun(actual: any)
---@field [string] any
---@overload fun(value: any, message?: any, ...: any): any
assert = {}
