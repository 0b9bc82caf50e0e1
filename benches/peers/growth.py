#!/usr/bin/env python3
"""Measures what becomes of the gateway as its configuration grows, or its connections: `just growth`.

Every route has a function of its own. Times are wall-clock, of requests to the Admin API; memory is
what is resident. With `--idle` as many connections as are told have had one answer each, and rest while
others are served.
"""

import argparse
import http.client
import json
import pathlib
import resource
import socket
import statistics
import subprocess
import time

from peers import cpu, memory
from subjects import Field, build, free_port, wait_for

HEADERS = {"content-type": "application/json"}


def declaration(count, upstream):
    """A service with `count` routes, each with a function that no other has."""
    routes = [
        {
            "name": f"route-{number}",
            "paths": [f"/route-{number}"],
            "plugins": [{"name": "pre-function", "config": {"access": [function(number)]}}],
        }
        for number in range(count)
    ]
    service = {"name": "service", "url": f"http://127.0.0.1:{upstream}", "routes": routes}
    return json.dumps({"_format_version": "3.0", "services": [service]})


def function(number):
    return f'kong.service.request.set_header("x-route", "{number}")'


def ask(port, method, path, body=None):
    """Asks an Admin API, which agrees: what it answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request(method, path, body, HEADERS if body else {})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    assert response.status < 300, text[:1000]
    return text


class Gateway:
    """A gateway with a database, which can be stopped and started again."""

    def __init__(self, field, program):
        self.field, self.program = field, program
        self.proxy, self.admin = free_port(), free_port()

    def start(self):
        """Starts it, and says how long it takes until it serves, in seconds."""
        database = self.field.folder / "gateway.db"
        began = time.monotonic()
        self.pid = self.field.start(
            str(self.program), "--workers", "1", "--proxy-access-log", "off",
            "--proxy-listen", f"127.0.0.1:{self.proxy}",
            "--admin-listen", f"127.0.0.1:{self.admin}", "--gui-listen", "off", "--database", f"sqlite:{database}",
        )
        # It listens before it has read its database, and accepts afterwards.
        wait_for(self.proxy)
        self.ask("GET", "/status")
        return time.monotonic() - began

    def stop(self):
        process = self.field.processes.pop()
        process.terminate()
        process.wait()

    def ask(self, method, path, body=None):
        """Asks the Admin API: the answer, and how long it took in milliseconds."""
        began = time.monotonic()
        text = ask(self.admin, method, path, body)
        return json.loads(text or "null"), (time.monotonic() - began) * 1000

    def patch(self, path, bodies):
        """How long a change takes, in milliseconds: the middle one of several, and the longest."""
        times = sorted(self.ask("PATCH", path, json.dumps(body))[1] for body in bodies)
        return statistics.median(times), times[-1]


def cpu_per_request(gateway, count, seconds):
    """CPU time of a request that goes to one of `count` routes, in microseconds."""
    script = gateway.field.folder / "routes.lua"
    script.write_text(
        f"local n = 0\nrequest = function()\n  n = (n + 7919) % {count}\n"
        "  return wrk.format('GET', '/route-' .. n)\nend\n"
    )
    url = f"http://127.0.0.1:{gateway.proxy}/"

    def load(seconds):
        command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", str(script), url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in output, output
        return int(output.split(" requests in")[0].split()[-1])

    # Once for every function to be compiled.
    load(seconds)
    before = sum(cpu(gateway.pid))
    requests = load(seconds)
    return (sum(cpu(gateway.pid)) - before) * 1e6 / requests


def rest(port):
    """A connection that has been answered, and is kept."""
    connection = socket.create_connection(("127.0.0.1", port), 30)
    connection.sendall(b"GET /route-0 HTTP/1.1\r\nhost: a\r\n\r\n")
    assert connection.recv(4096).startswith(b"HTTP/1.1 200"), "it is not answered"
    return connection


def with_idle_connections(program, counts, seconds):
    """What a request takes of CPU time while others rest, and the memory that those have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("".join(f"{head:>14}" for head in ["idle", "MiB", "CPU us"]))
    with Field() as field:
        field.start_upstream()
        gateway = Gateway(field, program)
        gateway.start()
        gateway.ask("POST", "/config", declaration(1, field.upstream))
        idle = []
        for count in counts:
            idle += [rest(gateway.proxy) for _ in range(count - len(idle))]
            used = cpu_per_request(gateway, 1, seconds)
            print(f"{len(idle):14}{memory(gateway.pid):14.1f}{used:14.1f}", flush=True)
        for connection in idle:
            connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", type=int, nargs="*", default=[1, 100, 1000, 10000])
    parser.add_argument("--idle", type=int, nargs="+", metavar="COUNT", help="connections instead of routes, in order")
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement under load")
    parser.add_argument("--program", type=pathlib.Path, help="a gateway that is built already")
    given = parser.parse_args()
    program = given.program or build()
    if given.idle:
        return with_idle_connections(program, given.idle, given.seconds)
    heads = ["routes", "/config ms", "PATCH plugin", "PATCH route", "start ms", "MiB", "in use", "CPU us"]
    print("".join(f"{head:>14}" for head in heads))
    for count in given.counts:
        with Field() as field:
            field.start_upstream()
            gateway = Gateway(field, program)
            gateway.start()
            _, config = gateway.ask("POST", "/config", declaration(count, field.upstream))
            plugins, _ = gateway.ask("GET", "/routes/route-0/plugins")
            plugin = plugins["data"][0]["id"]
            change = ({"config": {"access": [function(-number)]}} for number in range(1, 16))
            of_plugin, _ = gateway.patch(f"/plugins/{plugin}", change)
            change = ({"paths": ["/route-0", f"/other-{number}"]} for number in range(15))
            of_route, _ = gateway.patch("/routes/route-0", change)
            gateway.stop()
            start = gateway.start() * 1000
            fresh = memory(gateway.pid)
            used = cpu_per_request(gateway, count, given.seconds)
            cells = [count, config, of_plugin, of_route, start, fresh, memory(gateway.pid), used]
            print("".join(f"{cell:14.1f}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
