"""The servers that are measured: how each is started, on a port that is free, and stopped again."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ITEMS = [f"item-{number:03d}-abcdefghijklmnopqrstuvw" for number in range(27)]

# What is asked of each server: path, and what the request has beside it.
CASES = {
    "short": {},
    "pass": {"header": ("x-custom-auth", "demo")},
    "plain": {},
    "header": {},
    "body": {},
    "post": {"body": json.dumps({"items": ITEMS})},
    "callout": {},
}
STATUS = {case: 401 if case == "short" else 200 for case in CASES}

# The phase and file of each case's function.
FUNCTIONS = {
    "short": ("access", "custom-auth.lua"),
    "pass": ("access", "custom-auth.lua"),
    "header": ("header_filter", "add-header.lua"),
    "body": ("body_filter", "upper.lua"),
    "post": ("access", "read-json.lua"),
    "callout": ("access", "callout.lua"),
}

# Where lua-resty-http is, which nginx needs for `callout`: the folder that has `resty/http.lua`.
RESTY = os.environ.get("LUA_RESTY_HTTP", "")


class Subject:
    """A server that is measured: its name, port, process, and the cases that it can do."""

    def __init__(self, name, port, pid, cases=tuple(CASES)):
        self.name, self.port, self.pid, self.cases = name, port, pid, cases


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        time.sleep(0.02)
    sys.exit(f"nothing listens on 127.0.0.1:{port}")


def build():
    """Builds the gateway as it is released, and says where it is."""
    command = ["cargo", "build", "--release", "--locked", "--example", "gateway"]
    subprocess.run(command, cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release" / "examples" / "gateway"


def declaration(upstream):
    """What the gateway is to do, as a declarative file."""
    routes = []
    for case in CASES:
        route = {"name": case, "paths": [f"/{case}"], "strip_path": False}
        if case in FUNCTIONS:
            phase, file = FUNCTIONS[case]
            source = (HERE / "functions" / file).read_text().replace("@UPSTREAM@", str(upstream))
            route["plugins"] = [{"name": "pre-function", "config": {phase: [source]}}]
        routes.append(route)
    service = {"name": "service", "url": f"http://127.0.0.1:{upstream}", "routes": routes}
    return json.dumps({"_format_version": "3.0", "services": [service]})


class Field:
    """A folder with everything in it, and the processes that were started. All is gone in the end."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="peers-"))
        self.folder.chmod(0o755)
        self.processes = []
        self.upstream = free_port()
        line = "lower case text, 64 bytes a line, sixteen kibibytes in all.....\n"
        (self.folder / "body").write_text(line * 256)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *command):
        log = open(self.folder / "errors.log", "a")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        self.processes.append(process)
        return process.pid

    def file(self, name, **ports):
        """A file of this folder's, with the ports in it."""
        text = (HERE / name).read_text().replace("@DIR@", str(self.folder)).replace("@RESTY@", RESTY)
        for port, number in {"upstream": self.upstream, **ports}.items():
            text = text.replace(f"@{port.upper()}@", str(number))
        copy = self.folder / pathlib.Path(name).name
        copy.write_text(text)
        return str(copy)

    def start_upstream(self):
        self.start("nginx", "-p", "/usr/share/nginx", "-c", self.file("upstream.conf"))
        wait_for(self.upstream)

    def start_nginx(self):
        bare, headers = free_port(), free_port()
        self.file("locations.conf")
        self.file("functions/callout.lua")
        config = self.file("nginx.conf", bare=bare, headers=headers)
        pid = self.start("nginx", "-p", "/usr/share/nginx", "-c", config)
        wait_for(bare)
        cases = tuple(case for case in CASES if case != "callout" or RESTY)
        if not RESTY:
            print("nginx is not asked for callout: LUA_RESTY_HTTP does not say where lua-resty-http is")
        ports = {"nginx+lua": bare, "nginx+lua+hdr": headers}
        return [Subject(name, port, pid, cases) for name, port in ports.items()]

    def start_haproxy(self):
        port = free_port()
        self.file("haproxy.lua")
        pid = self.start("haproxy", "-db", "-f", self.file("haproxy.cfg", haproxy=port))
        wait_for(port)
        return Subject("haproxy+lua", port, pid, ("short", "pass", "plain"))

    def start_gateway(self, program, *before):
        """Starts `program`, after the words `before` of a tool that looks at it."""
        port, file = free_port(), self.folder / "gateway.json"
        file.write_text(declaration(self.upstream))
        pid = self.start(
            *before, str(program), "--workers", "1", "--proxy-listen", f"127.0.0.1:{port}",
            "--admin-listen", "off", "--proxy-access-log", "off", "--declarative-config", str(file),
        )
        wait_for(port)
        return Subject("gateway", port, pid)
