#!/usr/bin/env bash
# Replays the commands of Kong's documentation of serverless-functions, as they are printed, against
# a gateway of its own, and compares what is answered with what is documented.
#
#     examples/gateway/documentation.sh
#
# The ports of the documentation, its upstream (httpbin.org) and what it writes in braces are put
# into the commands when they run. GATEWAY may name a gateway that has been built.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

if [ -z "${GATEWAY:-}" ]; then
    (cd "$here" && cargo build --quiet --example gateway)
    target=$(cd "$here" && cargo metadata --no-deps --format-version 1)
    target=${target#*\"target_directory\":\"}
    GATEWAY=${target%%\"*}/debug/examples/gateway
fi

# start NAME ARGUMENTS...: starts a gateway on free ports, and waits until it serves.
start() {
    local log=$work/$1.log
    shift
    (cd "$work" && KONG_PROXY_LISTEN=127.0.0.1:0 KONG_ADMIN_LISTEN=127.0.0.1:0 KONG_ADMIN_GUI_LISTEN=off \
        exec "$GATEWAY" "$@" 2> "$log" > /dev/null) &
    started+=($!)
    for _ in $(seq 600); do
        grep -q 'admin listens on' "$log" && break
        sleep 0.1
    done
    proxy=$(sed -n 's/.*proxy listens on //p' "$log")
    admin=$(sed -n 's/.*admin listens on //p' "$log")
    [ -n "$admin" ] || { cat "$log"; exit 1; }
}

# expect STATUS TEXT COMMAND...: runs a command, which must be answered with the status and the text.
expect() {
    local status=$1 text=$2 word words=()
    shift 2
    echo "\$ $*"
    for word in "$@"; do
        word=${word//localhost:8001/$admin}
        word=${word//localhost:8000/$proxy}
        word=${word//httpbin.org/$upstream}
        word=${word//\{service\}/plugin-testing}
        word=${word//\{route_id\}/${route_id:-}}
        word=${word//\{api\}/legacy}
        words+=("$word")
    done
    answer=$(cd "$work" && "${words[@]}" --silent --show-error --write-out '\n%{http_code}')
    local got=${answer##*$'\n'}
    answer=${answer%$'\n'*}
    echo "$answer" | tail -n 1
    if [ "$got" != "$status" ] || [[ "$answer" != *"$text"* ]]; then
        echo "expected $status with: $text" >&2
        echo "got $got" >&2
        exit 1
    fi
}

# The id of the entity in the last answer: fields are in the order of their names.
id() {
    echo "$answer" | grep -o '"id":"[^"]*"' | head -n 1 | cut -d '"' -f 4
}

# An upstream that answers with the headers of the request, as httpbin.org/headers does.
cat > "$work/upstream.yml" <<'YAML'
_format_version: "3.0"
routes:
  - paths: [/headers]
    plugins:
      - name: pre-function
        config:
          access:
            - return kong.response.exit(200, { headers = kong.request.get_headers() })
YAML
start upstream --declarative-config upstream.yml
upstream=$proxy

# custom-auth.lua, as one version of the documentation prints it, as the other does, and on one line.
plain=$here/custom-auth.lua
escaped=$work/escaped.lua
sed 's/401,/401\\,/' "$plain" > "$escaped"
minified=$work/minified.lua
grep -v '^--' "$plain" | tr '\n' ' ' > "$minified"

for version in "$plain" "$escaped" "$minified"; do
    cp "$version" "$work/custom-auth.lua"
    echo
    echo "# with this custom-auth.lua:"
    sed 's/^/#     /' "$work/custom-auth.lua"
    echo
    start "gateway-$(basename "$version")" --database "sqlite:$(basename "$version").db"

    expect 201 '"name":"plugin-testing"' \
        curl -i -X POST http://localhost:8001/services/ --data "name=plugin-testing" --data "url=http://httpbin.org/headers"
    expect 201 '"paths":["/test"]' \
        curl -i -X POST http://localhost:8001/services/plugin-testing/routes --data "paths[]=/test"
    route_id=$(id)
    expect 201 '"name":"pre-function"' \
        curl -i -X POST http://localhost:8001/services/plugin-testing/plugins -F "name=pre-function" -F "config.functions=@custom-auth.lua"
    plugin_id=$(id)

    expect 401 'Invalid Credentials' \
        curl -i -X GET http://localhost:8000/test
    # Where a colon belongs: curl sends no header, so nobody can be told.
    expect 401 'Invalid Credentials' \
        curl -i -X GET http://localhost:8000/test --header "x-custom-auth=key"
    expect 200 '"headers"' \
        curl -i -X GET http://localhost:8000/test --header "x-custom-auth: demo"
    if [[ "$answer" == *x-custom-auth* ]]; then
        echo "the header has reached the upstream" >&2
        exit 1
    fi

    # The printed form of the other version sends the name of the file: the answer says so.
    expect 204 '' curl -X DELETE "http://localhost:8001/plugins/$plugin_id"
    expect 400 '-F \"config.functions=@custom-auth.lua\"' \
        curl -i -X POST http://localhost:8001/services/plugin-testing/plugins --data "name=pre-function" --data "config.functions[]=@custom-auth.lua"
    expect 200 '"data":[]' curl http://localhost:8001/plugins

    # The parameters of the plugin, by their defaults, for all that it can be for.
    expect 201 '"functions":[]' \
        curl -X POST http://localhost:8001/services/{service}/plugins --data "name=serverless-functions" --data "config.functions=[]"
    expect 201 '"functions":[]' \
        curl -X POST http://localhost:8001/routes/{route_id}/plugins  --data "name=serverless-functions" --data "config.functions=[]"
    expect 201 '"name":"legacy"' \
        curl -X POST http://localhost:8001/apis --data "name=legacy" --data "upstream_url=http://httpbin.org/headers" --data "uris=/legacy"
    expect 201 '"functions":[]' \
        curl -X POST http://localhost:8001/apis/{api}/plugins --data "name=serverless-functions" --data "config.functions=[]"
    expect 201 '"functions":[]' \
        curl -X POST http://localhost:8001/plugins --data "name=serverless-functions" --data "config.functions=[]"
    expect 200 '"headers"' curl http://localhost:8000/test
    expect 200 '"headers"' curl http://localhost:8000/legacy

    # The same by parameters, for post-function.
    for parameter in service_id={service} route_id={route_id} api_id={api}; do
        expect 201 '"enabled":true' \
            curl -X POST http://localhost:8001/plugins --data "name=post-function" --data "$parameter" -d "config.functions=[]"
    done
    expect 201 '"enabled":false' \
        curl -X POST http://localhost:8001/plugins -F "name=post-function" -F "enabled=false" -F "config.functions=@custom-auth.lua"
done

echo
echo "All as documented."
