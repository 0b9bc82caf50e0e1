#!/usr/bin/env python3
"""Measures how soon a change through one of several gateways is in force on the others: `just cluster`.

They share a PostgreSQL server of this run's own, in a temporary folder. Needs Debian's postgresql, and wrk
for `--load`.
"""

import argparse
import glob
import http.client
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

from growth import ask, declaration
from peers import cpu
from subjects import Field, build, free_port, wait_for


class Database:
    """A PostgreSQL server on a socket in a folder."""

    def __init__(self, field):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not found:
            sys.exit("postgresql is missing")
        self.bin, self.folder = found[-1], field.folder / "postgres"
        self.folder.mkdir()
        # It does not run as root.
        self.user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self.folder.chmod(0o777)
        self.run("initdb", "-D", f"{self.folder}/data", "-A", "trust", "-U", "kong")
        field.start(
            *self.user, f"{self.bin}/postgres", "-D", f"{self.folder}/data",
            "-k", str(self.folder), "-c", "listen_addresses=",
        )
        while not (self.folder / ".s.PGSQL.5432").exists():
            time.sleep(0.05)
        self.run("createdb", "-h", str(self.folder), "-U", "kong", "kong")
        self.url = f"postgres:///kong?host={self.folder}&user=kong"

    def run(self, program, *options):
        command = [*self.user, f"{self.bin}/{program}", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Gateway:
    """One of those that share the database."""

    def __init__(self, field, program, database):
        self.proxy, self.admin = free_port(), free_port()
        self.pid = field.start(
            str(program), "--workers", "1", "--proxy-access-log", "off", "--database", database.url,
            "--proxy-listen", f"127.0.0.1:{self.proxy}", "--admin-listen", f"127.0.0.1:{self.admin}",
            "--gui-listen", "off",
        )
        wait_for(self.admin)

    def serves(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy, timeout=30)
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status == 502

    def wait_for(self, path, began, seen):
        """Asks until there is a route for `path`, which leads to a service that is not there."""
        while not self.serves(path):
            time.sleep(0.002)
        seen.append((time.monotonic() - began) * 1000)


def change(gateways, number):
    """Changes a route through one of them: when each of the others has it, in milliseconds."""
    chosen, seen = random.choice(gateways), []
    path = f"/changed-{number}"
    ask(chosen.admin, "PATCH", "/routes/route-0", json.dumps({"paths": [path]}))
    began = time.monotonic()
    others = [gateway for gateway in gateways if gateway is not chosen]
    threads = [threading.Thread(target=one.wait_for, args=(path, began, seen)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateways", type=int, default=5)
    parser.add_argument("--routes", type=int, default=10000)
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--load", action="store_true", help="with as many requests as they can answer")
    parser.add_argument("--program", type=pathlib.Path, help="a gateway that is built already")
    given = parser.parse_args()
    program = given.program or build()
    with Field() as field:
        database = Database(field)
        gateways = [Gateway(field, program, database) for _ in range(given.gateways)]
        # Nobody listens there: a route that leads to it answers 502.
        ask(gateways[0].admin, "POST", "/config", declaration(given.routes, free_port()))
        for gateway in gateways:
            gateway.wait_for("/route-0", 0, [])
            if given.load:
                url = f"http://127.0.0.1:{gateway.proxy}/nowhere"
                field.start("wrk", "-t1", "-c4", "-d600s", url)
        before = [sum(cpu(gateway.pid)) for gateway in gateways]
        seen = sorted(time for number in range(given.changes) for time in change(gateways, number))
        used = [sum(cpu(gateway.pid)) - old for gateway, old in zip(gateways, before)]
        print(f"{given.gateways} gateways, {given.routes} routes, {given.changes} changes")
        print(f"in force on another after {seen[len(seen) // 2]:.0f} ms, {seen[len(seen) * 99 // 100]:.0f} at p99")
        if not given.load:
            most = max(used) * 1000 / given.changes
            print(f"CPU of a gateway for a change, with the requests that look for it: {most:.1f} ms at most")


if __name__ == "__main__":
    main()
