#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""zones.py BUILD [RECORDS] - how zones are loaded beside knotd and nsd.

Two zones of RECORDS (a million) records: `hosts`, a name for every record, and
`sets`, ten records of five types a name. Of the checkers (anamed --check,
kzonecheck, nsd-checkzone) and of the servers, started until they answer: the
seconds taken, the processor's seconds in them, which other load disturbs less,
and the most memory in use, MiB, by the kernel's count; of a server with several
processes the sum. Writes BUILD/bench-zones.json.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import daemon

HEAD = ("$ORIGIN example.test.\n$TTL 300\n@ SOA ns1 host 1 7200 3600 1209600 60\n@ NS ns1\n"
        "ns1 A 192.0.2.1\n")
CHECKERS = ["anamed", "kzonecheck", "nsd-checkzone"]


def hosts(records):
    for i in range(records - 3):
        yield f"h{i} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n"


def sets(records):
    yield "h7 A 10.0.0.7\n"
    for i in range((records - 4) // 10):
        low = f"{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"
        six = f"{i >> 16:x}:{i & 0xffff:x}"
        yield (f"host-{i} A 10.{low}\n A 11.{low}\n A 12.{low}\n AAAA 2001:db8::{six}\n"
               f" AAAA 2001:db8:1::{six}\n MX 10 mail{i % 100}\n MX 20 mail.example.net.\n"
               f" TXT \"v=spf1 include:_spf{i % 50}.example.net -all\"\n TXT \"id {i:032x}\"\n"
               f" CAA 0 issue \"ca{i % 10}.example.net\"\n")


def check(words):
    """Seconds and MiB of a program that must say yes."""
    begin = time.monotonic()
    # One of them has a word to say about every tenth record.
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = status
    if status:
        raise AssertionError(f"{' '.join(words)}: status {status}")
    return {"s": round(time.monotonic() - begin, 2),
            "processor_s": round(usage.ru_utime + usage.ru_stime, 2),
            "mib": round(usage.ru_maxrss / 1024)}


def processor_s(server):
    ticks = 0
    for pid in server.processes():
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            ticks += sum(map(int, stat.read().rsplit(") ", 1)[1].split()[11:15]))
    return round(ticks / os.sysconf("SC_CLK_TCK"), 2)


def high_water(server):
    total = 0
    for pid in server.processes():
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            total += sum(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return round(total / 1024)


def serve(server):
    begin = time.monotonic()
    try:
        server.start()
        return {"s": round(time.monotonic() - begin, 2), "processor_s": processor_s(server),
                "mib": high_water(server)}
    finally:
        server.stop()


def checkers(build, folder):
    zone = os.path.join(folder, "zone")
    conf = os.path.join(folder, "check.conf")
    with open(conf, "w", encoding="ascii") as out:
        out.write(f"zones:\n  - name: example.test\n    file: {zone}\n")
    words = {
        "anamed": [os.path.join(build, "anamed"), "--check", "--config", conf],
        "kzonecheck": ["kzonecheck", "-o", "example.test", zone],
        "nsd-checkzone": ["nsd-checkzone", "example.test", zone],
    }
    return {name: check(words[name]) for name in CHECKERS if shutil.which(words[name][0])}


def run(build, records):
    table = {}
    for shape in (hosts, sets):
        folder = tempfile.mkdtemp(prefix="anamed-bench-zones-")
        try:
            with open(os.path.join(folder, "zone"), "w", encoding="ascii") as out:
                out.write(HEAD)
                out.writelines(shape(records))
            row = {f"check: {name}": cell for name, cell in checkers(build, folder).items()}
            for server in daemon.make_servers(build, folder, []):
                row[f"serve: {server.name}"] = serve(server)
            table[shape.__name__] = row
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        for name, cell in table[shape.__name__].items():
            print(f"{shape.__name__:8}{name:24}{cell['s']:>8.2f} s"
                  f"{cell['processor_s']:>8.2f} s of processor{cell['mib']:>8} MiB", flush=True)
    with open(os.path.join(build, "bench-zones.json"), "w", encoding="ascii") as out:
        json.dump(table, out, indent=1)


def main():
    if os.environ.get("BENCH_ZONES_NS") != str(os.getppid()):
        os.environ["BENCH_ZONES_NS"] = str(os.getpid())
        sys.exit(subprocess.call(["unshare", "--net", "--", sys.executable, *sys.argv]))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    run(os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)


if __name__ == "__main__":
    main()
