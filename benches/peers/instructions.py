#!/usr/bin/env python3
"""Counts the instructions that the gateway takes for a request, in user space: needs valgrind.

Unlike time, they are the same on a machine that does other things. `--functions` prints where they are
spent.
"""

import argparse
import pathlib
import re
import shutil
import socket
import subprocess
import sys

from subjects import CASES, STATUS, Field, build

CONNECTIONS = 16
WARM, COUNTED = 640, 3200


def request(case):
    """The bytes of a request as wrk would send it."""
    fields = [("Host", "127.0.0.1")]
    if header := CASES[case].get("header"):
        fields.append(header)
    body = CASES[case].get("body", "")
    if body:
        fields += [("content-type", "application/json"), ("Content-Length", str(len(body)))]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{'POST' if body else 'GET'} /{case} HTTP/1.1\r\n{head}\r\n{body}".encode()


def read_response(stream):
    """Reads a response, and says its status."""
    status, length, chunked = int(stream.readline().split()[1]), 0, False
    while (line := stream.readline().strip().lower()) != b"":
        name, _, value = line.partition(b":")
        if name == b"content-length":
            length = int(value)
        chunked = chunked or (name == b"transfer-encoding" and b"chunked" in value)
    if not chunked:
        stream.read(length)
        return status
    while size := int(stream.readline(), 16):
        stream.read(size + 2)
    stream.readline()
    return status


def ask(port, case, count):
    """Sends `count` requests, each connection its next when it has its answer."""
    wanted, text = STATUS[case], request(case)
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    streams = [connection.makefile("rb") for connection in connections]
    for _ in range(count // CONNECTIONS):
        for connection in connections:
            connection.sendall(text)
        for stream in streams:
            if (status := read_response(stream)) != wanted:
                sys.exit(f"/{case} was answered with {status}")
    for connection in connections:
        connection.close()


def control(pid, what):
    subprocess.run(["callgrind_control", what, str(pid)], check=True, capture_output=True)


def count(field, program, case):
    """Counts one case, in a process of its own: what it has written down, and how much."""
    out = field.folder / f"callgrind.{case}"
    valgrind = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}")
    subject = field.start_gateway(program, *valgrind)
    ask(subject.port, case, WARM)
    control(subject.pid, "--zero")
    ask(subject.port, case, COUNTED)
    control(subject.pid, "--dump")
    profile = pathlib.Path(f"{out}.1")
    found = re.search(r"^(?:summary|totals): (\d+)", profile.read_text(), re.MULTILINE)
    return profile, int(found.group(1)) / COUNTED


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="the N dearest")
    parser.add_argument("--program", type=pathlib.Path, help="a gateway that is built already")
    given = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("valgrind is missing")
    program = given.program or build()
    with Field() as field:
        field.start_upstream()
        for case in given.cases:
            profile, per_request = count(field, program, case)
            print(f"{case:8}{per_request:10.0f}", flush=True)
            if given.functions:
                command = ["callgrind_annotate", "--auto=no", str(profile)]
                output = subprocess.run(command, capture_output=True, text=True).stdout
                lines = [line for line in output.splitlines() if re.match(r"\s*[\d,]+ \(", line)]
                print("\n".join(lines[: given.functions + 1]))


if __name__ == "__main__":
    main()
