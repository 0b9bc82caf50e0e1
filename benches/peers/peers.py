#!/usr/bin/env python3
"""Measures the gateway and its peers on the same requests, in turn, in one run: `just peers`.

What to quote is the CPU time of a request, user and system, as a ratio between two rows of one run:
on a shared machine, requests per second say more about the neighbours than about the program.
"""

import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

from subjects import CASES, STATUS, Field, build

TICK = os.sysconf("SC_CLK_TCK")
PEERS = ("nginx+lua", "nginx+lua+hdr", "haproxy+lua")


def family(pid):
    """A process and all that it has started."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        children.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry))
    found, rest = [], [pid]
    while rest:
        one = rest.pop()
        found.append(one)
        rest += children.get(one, [])
    return found


def cpu(pid):
    """User and system time of a family, in seconds."""
    user = system = 0
    for one in family(pid):
        try:
            fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        user, system = user + int(fields[11]), system + int(fields[12])
    return user / TICK, system / TICK


def memory(pid):
    """The resident memory of a family, in MiB."""
    total = 0
    for one in family(pid):
        try:
            status = pathlib.Path(f"/proc/{one}/status").read_text()
        except OSError:
            continue
        found = re.search(r"VmRSS:\s+(\d+)", status)
        total += int(found.group(1)) if found else 0
    return total / 1024


def load(folder, port, case, seconds, connections):
    """Asks a server for `case` as fast as it answers."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    if header := CASES[case].get("header"):
        command += ["-H", ": ".join(header)]
    if body := CASES[case].get("body"):
        script = folder / "post.lua"
        script.write_text(
            "wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\n"
            f"wrk.body = [==[{body}]==]\n"
        )
        command += ["-s", str(script)]
    command.append(f"http://127.0.0.1:{port}/{case}")
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def number(pattern):
        found = re.search(pattern, output)
        return float(found.group(1)) if found else 0.0

    def milliseconds(share):
        found = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", output)
        return float(found.group(1)) * {"us": 1e-3, "ms": 1, "s": 1e3}[found.group(2)] if found else 0

    refused = int(number(r"Non-2xx or 3xx responses: (\d+)"))
    requests = int(number(r"(\d+) requests in"))
    errors = re.search(r"Socket errors:.*", output)
    return {
        "requests": requests,
        "unexpected": refused if STATUS[case] == 200 else requests - refused,
        "errors": errors.group(0) if errors else "",
        "rps": number(r"Requests/sec:\s+([\d.]+)"),
        "p50": milliseconds(50),
        "p99": milliseconds(99),
    }


def measure(folder, subject, case, seconds, connections):
    before = cpu(subject.pid)
    row = load(folder, subject.port, case, seconds, connections)
    after = cpu(subject.pid)
    if not row["requests"]:
        sys.exit(f"{subject.name} answers nothing at /{case}: {row['errors']}")
    row["user"], row["system"] = (
        (now - then) * 1e6 / row["requests"] for then, now in zip(before, after)
    )
    row["cpu"], row["rss"] = row["user"] + row["system"], memory(subject.pid)
    return row


def table(rows):
    """Prints the medians of all rounds, and gives those of the CPU time back."""
    heads = f"{'case':8}{'server':16}{'CPU us':>9}{'user':>8}{'system':>8}{'rps':>9}"
    print(heads + f"{'p50 ms':>9}{'p99 ms':>9}{'MiB':>7}")
    medians = {}
    for (case, name), rounds in rows.items():
        names = ("cpu", "user", "system", "rps", "p50", "p99", "rss")
        middle = {key: statistics.median(row[key] for row in rounds) for key in names}
        medians[case, name] = middle["cpu"]
        line = f"{case:8}{name:16}{middle['cpu']:9.2f}{middle['user']:8.2f}{middle['system']:8.2f}"
        line += f"{middle['rps']:9.0f}{middle['p50']:9.2f}{middle['p99']:9.2f}{middle['rss']:7.1f}"
        unexpected = sum(row["unexpected"] for row in rounds)
        notes = [f"{unexpected} unexpected statuses"] if unexpected else []
        print("  ".join([line, *notes, *{row["errors"] for row in rounds if row["errors"]}]))
    return medians


def ratios(rows, medians):
    """Prints, of each case, the median of the rounds' ratios and their range: rounds are pairs."""
    for peer in PEERS:
        parts = []
        for case in CASES:
            if (case, peer) not in medians or (case, "gateway") not in medians:
                continue
            pairs = zip(rows[case, "gateway"], rows[case, peer])
            found = sorted(ours["cpu"] / theirs["cpu"] for ours, theirs in pairs)
            parts.append(f"{case} {statistics.median(found):.2f} ({found[0]:.2f}-{found[-1]:.2f})")
        if parts:
            print(f"gateway / {peer}: " + ", ".join(parts))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(CASES), help="cases, with commas between them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of one case in one round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--program", type=pathlib.Path, help="a gateway that is built already")
    return parser.parse_args()


def main():
    given = arguments()
    for tool in ("nginx", "wrk"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: benches/README.md names the packages")
    program = given.program or build()
    rows = {}
    with Field() as field:
        field.start_upstream()
        subjects = [*field.start_nginx(), field.start_gateway(program)]
        if shutil.which("haproxy"):
            subjects.append(field.start_haproxy())
        # The first round is for everybody to get warm.
        for number in range(given.rounds + 1):
            for case in given.only.split(","):
                for subject in (subject for subject in subjects if case in subject.cases):
                    seconds = given.seconds if number else 1
                    row = measure(field.folder, subject, case, seconds, given.connections)
                    if number:
                        rows.setdefault((case, subject.name), []).append(row)
    ratios(rows, table(rows))


if __name__ == "__main__":
    main()
