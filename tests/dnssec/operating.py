# SPDX-License-Identifier: BSD-2-Clause
"""What an operator does: makes keys, tells the parent, looks, and moves signed zones here."""

import os
import re
import shutil
import stat
import subprocess
import threading
import time

from lib.cases import case, equal, true
from lib.lab import CDN
from lib.peers import KNOTC, KNOTD, knot_server
from lib.process import Process, copy_binary, until
from lib.standard import edge_config
from rolling import ZONE
from signed import SETTIME, Keys, expect, nsec_types, signed_edge, zone_settings
from validators import Bind, Unbound

DSFROMKEY = "/usr/bin/dnssec-dsfromkey"
SCHEMA = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
KNOT = knot_server("{address}@5301") + """\
acl:
  - id: all
    address: 0.0.0.0/0
    action: transfer
template:
  - id: default
    storage: "{folder}"
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
    serial-policy: increment
    acl: all
    dnssec-signing: on
policy:
  - id: default
    algorithm: ecdsap256sha256
    nsec3: {nsec3}
zone:
  - domain: example.test
    file: example.test.zone
"""


class Primary:
    """knotd that signs the zone itself."""

    def __init__(self, bench, nsec3):
        self.folder = os.path.join(bench.lab.folder, f"primary-{time.time_ns()}")
        os.mkdir(self.folder)
        with open(os.path.join(self.folder, "knot.conf"), "w") as file:
            file.write(KNOT.format(folder=self.folder, address=CDN, nsec3=nsec3).replace(
                "    dnssec-signing: on\n", "    dnssec-signing: on\n    dnssec-policy: default\n"))
        self.write(ZONE)
        self.knotc = copy_binary(KNOTC, bench.lab.folder)
        self.process = Process(
            bench.lab.cdn_space,
            [copy_binary(KNOTD, bench.lab.folder), "-c", os.path.join(self.folder, "knot.conf")],
            os.path.join(self.folder, "log"))
        bench.stack.callback(self.process.kill)
        self.process.start()
        until(lambda: "serial" in self.control("zone-status", "example.test"), "the primary")

    def write(self, text):
        with open(os.path.join(self.folder, "example.test.zone"), "w") as file:
            file.write(text)

    def control(self, *words):
        return subprocess.run([self.knotc, "-c", os.path.join(self.folder, "knot.conf"), *words],
                              capture_output=True, text=True).stdout


@case("keys are made by anamectl, private for the daemon alone; DS as BIND's tools have it")
def made(bench):
    folder = os.path.join(bench.lab.folder, f"made-{len(bench.edges)}")
    settings = [{"name": "example.test", "file": "example.test.zone", "dnssec": True,
                 "dnssec-keys": folder}]
    edge = signed_edge(bench, None, {"example.test": ZONE}, settings, start=False)
    made = edge.ctl_json("key-generate", "example.test")
    equal(made["algorithm"], "ECDSAP256SHA256")
    equal(stat.S_IMODE(os.stat(made["file"] + ".private").st_mode), 0o600)
    words = subprocess.run([DSFROMKEY, "-2", made["file"] + ".key"], check=True,
                           capture_output=True, text=True).stdout.split()
    listed = edge.ctl_json("ds", "example.test")
    equal([one.split()[-4:] for one in listed["ds"]], [words[-4:]])
    # BIND's own tool takes what we wrote for a key of its own.
    subprocess.run(["/usr/bin/dnssec-settime", "-p", "all", made["file"] + ".key"], check=True,
                   capture_output=True)
    edge.start()
    with open(made["file"] + ".key") as file:
        record = next(line.strip() for line in file if " DNSKEY " in line)
    validator = Bind(bench, {"example.test": [record]})
    expect(validator, "www.example.test", "A")
    shown = edge.ctl("zone-status", "example.test")
    true("signed until" in shown and f"key {made['tag']} ECDSAP256SHA256, published, signs all"
         in shown, shown)
    true(edge.stats()["dnssec"]["signatures"] > 0, "counted")


@case("what would not validate is said by --check, with file and line")
def checked(bench):
    keys = Keys(bench)
    stem = keys.make("example.test")
    edge = signed_edge(bench, keys, {"example.test": ZONE}, start=False)

    def check():
        done = subprocess.run([os.path.join(edge.build, "anamed"), "--check", "--config",
                               edge.conf], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    equal(check()[0], 0)
    with open(stem + ".private") as file:
        whole = file.read()
    for wrong, words in ((whole.replace("Algorithm: 13", "Algorithm: 8"), "not that of the .key"),
                         (whole.replace("PrivateKey: ", "PrivateKey: !"), "bad base64"),
                         (whole.replace("PrivateKey", "Nothing"), "is missing"),
                         (whole + "Inactive: 20200101000000\n", "no key is active"),
                         (re.sub("Publish: [0-9]+", "Publish: 20370101000000", whole),
                          "no key that is active is published"),
                         ("", "empty")):
        with open(stem + ".private", "w") as file:
            file.write(wrong)
        status, said = check()
        equal(status, 1, words)
        true(words in said and keys.folder in said, said)
    os.unlink(stem + ".private")
    true("no key is active" in check()[1], "without a private half")
    keys.make("example.test", ksk=False)
    status, said = check()
    true(status == 1 and "no key-signing key is active" in said and keys.folder in said, said)


@case("a zone that came signed is stripped and signed here: its keys are ours alone")
def stripped(bench):
    for nsec3 in ("off", "on"):
        primary = Primary(bench, nsec3)
        keys = Keys(bench)
        keys.make("example.test")
        settings = [{"name": "example.test", "dnssec": True, "dnssec-keys": keys.folder,
                     "primaries": [{"address": f"{CDN}@5301"}]}]
        edge = signed_edge(bench, keys, {"example.test": ZONE}, settings)
        until(lambda: bench.client.ask("www.example.test", "A").rcode == "NOERROR", "the zone")
        validator = Unbound(bench, {"example.test": keys.records("example.test")})
        for name, rtype in (("www", "A"), ("nothing", "A"), ("x.wild", "TXT"), ("www", "MX")):
            expect(validator, f"{name}.example.test", rtype)
        reply = bench.client.ask("example.test", "DNSKEY", ednsflags=0x8000)
        equal(len(reply.records("DNSKEY")), 1)
        reply = bench.client.ask("example.test", "NSEC3PARAM")
        true(reply.is_nodata, str(reply.message))
        # A difference whose other half is what we left out.
        primary.write(ZONE.replace("192.0.2.92", "192.0.2.93").replace("host 1 ", "host 2 "))
        primary.control("-b", "zone-reload", "example.test")

        def arrived():
            edge.ctl("zone-refresh", "example.test", check=False)
            return bench.client.ask("www.example.test", "A").addresses == ["192.0.2.93"]

        until(arrived, "the difference", 10, 0.2)
        true(" IXFR " in edge.process.log_text().upper(), edge.process.log_text()[-800:])
        expect(validator, "www.example.test", "A")
        primary.process.kill()
        bench.lab.end_edge(edge)


def signing_tags(bench, name):
    reply = bench.client.ask(name, "A", ednsflags=0x8000)
    return {item.key_tag for rrset in reply.message.answer if rrset.rdtype == 46
            for item in rrset}


@case("a time behind the end of the epoch is taken over by a reload, of a zone that was transferred")
def far_time(bench):
    primary = Primary(bench, "off")
    keys = Keys(bench)
    first, second = [keys.make("example.test", "-P", "now-60", "-A", "now-60") for _ in range(2)]
    tags = [int(stem.rsplit("+", 1)[1]) for stem in (first, second)]
    settings = [{"name": "example.test", "dnssec": True, "dnssec-keys": keys.folder,
                 "dnssec-validity": "60s", "primaries": [{"address": f"{CDN}@5301"}]}]
    edge = signed_edge(bench, keys, {"example.test": ZONE}, settings)
    until(lambda: bench.client.ask("www.example.test", "A").rcode == "NOERROR", "the zone")
    equal(signing_tags(bench, "www.example.test"), set(tags))
    subprocess.run([SETTIME, "-K", keys.folder, "-I", "now+17", os.path.basename(first)],
                   check=True, capture_output=True)
    edge.reload()
    equal(signing_tags(bench, "www.example.test"), set(tags))
    until(lambda: signing_tags(bench, "www.example.test") == {tags[1]}, "the other key alone",
          20, 0.3)
    primary.process.kill()


BIG = ZONE + "".join(f"n{number} A 192.0.2.1\n" for number in range(300000))


def transfer_in_reload(bench, edge, primary):
    """A reload, in which new data arrive."""
    primary.write(ZONE.replace("192.0.2.92", "192.0.2.93").replace("host 1 ", "host 2 "))
    reload = threading.Thread(target=edge.reload)
    reload.start()
    time.sleep(0.1)
    primary.control("-b", "zone-reload", "example.test")
    edge.ctl("zone-refresh", "example.test")
    reload.join()
    until(lambda: bench.client.ask("www.example.test", "A").addresses == ["192.0.2.93"],
          "the new data", 20, 0.1)
    said = edge.process.log_text().upper()
    true(" IXFR " in said.split("RELOADED:")[0], f"not during the reload: {said[-800:]}")
    primary.process.kill()


@case("what is transferred while a reload brings other keys is signed by those")
def during_a_reload(bench):
    primary = Primary(bench, "off")
    keys = Keys(bench)
    first = keys.make("example.test")
    keys.make("big.test")
    settings = [*zone_settings(keys, "big.test"),
                {"name": "example.test", "dnssec": True, "dnssec-keys": keys.folder,
                 "primaries": [{"address": f"{CDN}@5301"}]}]
    edge = signed_edge(bench, keys, {"big.test": BIG}, settings)
    until(lambda: bench.client.ask("www.example.test", "A").rcode == "NOERROR", "the zone")
    second = keys.make("example.test")
    transfer_in_reload(bench, edge, primary)
    equal(signing_tags(bench, "www.example.test"),
          {int(stem.rsplit("+", 1)[1]) for stem in (first, second)})


@case("what is transferred while a reload switches signing on is asked for again, and signed here")
def switched_in_a_reload(bench):
    primary = Primary(bench, "off")
    keys = Keys(bench)
    key = keys.make("example.test")
    settings = [{"name": "big.test", "file": "big.test.zone"},
                {"name": "example.test", "primaries": [{"address": f"{CDN}@5301"}]}]
    edge = bench.edge({**edge_config(), "zones": settings}, {"big.test": BIG})
    until(lambda: bench.client.ask("www.example.test", "A").rcode == "NOERROR", "the zone")
    true(signing_tags(bench, "www.example.test"), "it comes signed")
    settings[1] = {**settings[1], "dnssec": True, "dnssec-keys": keys.folder}
    edge.write_config({"zones": settings})
    transfer_in_reload(bench, edge, primary)
    equal(signing_tags(bench, "www.example.test"), {int(key.rsplit("+", 1)[1])})


@case("keys that PowerDNS exports sign here, as they are")
def from_powerdns(bench):
    folder = os.path.join(bench.lab.folder, f"pdns-{len(bench.edges)}")
    os.mkdir(folder)
    with open(os.path.join(folder, "pdns.conf"), "w") as file:
        file.write(f"launch=gsqlite3\ngsqlite3-database={folder}/db\ngsqlite3-dnssec=yes\n")
    with open(SCHEMA) as schema:
        subprocess.run(["sqlite3", f"{folder}/db"], stdin=schema, check=True)

    def pdnsutil(*words):
        return subprocess.run(["pdnsutil", f"--config-dir={folder}", *words], check=True,
                              capture_output=True, text=True).stdout

    pdnsutil("create-zone", "example.test")
    pdnsutil("secure-zone", "example.test")
    keys = Keys(bench)
    record = pdnsutil("export-zone-dnskey", "example.test", "1").strip()
    for ending, text in ((".key", record), (".private",
                                            pdnsutil("export-zone-key", "example.test", "1"))):
        with open(os.path.join(keys.folder, "Kexample.test.+013+00001" + ending), "w") as file:
            file.write(text)
    signed_edge(bench, keys, {"example.test": ZONE})
    expect(Bind(bench, {"example.test": [record]}), "www.example.test", "A")


@case("keys that Knot DNS has made sign here: its PEM file is the private half")
def from_knot(bench):
    primary = Primary(bench, "off")
    keymgr = ["keymgr", "-c", os.path.join(primary.folder, "knot.conf"), "example.test"]
    listed = subprocess.run([*keymgr, "list"], check=True, capture_output=True, text=True).stdout
    keys, anchors = Keys(bench), []
    for line in listed.splitlines():
        key_id = line.split()[0]
        record = subprocess.run([*keymgr, "dnskey", key_id], check=True, capture_output=True,
                                text=True).stdout.strip()
        if " 257 " in record:
            anchors.append(record)
        stem = os.path.join(keys.folder, f"Kexample.test.+013+{len(os.listdir(keys.folder)):05}")
        with open(stem + ".key", "w") as file:
            file.write(record + "\n")
        shutil.copy(os.path.join(primary.folder, "keys", "keys", f"{key_id}.pem"),
                    stem + ".private")
    true(anchors and len(os.listdir(keys.folder)) >= 4, listed)
    signed_edge(bench, keys, {"example.test": ZONE})
    validator = Bind(bench, {"example.test": anchors})
    for name in ("www", "nothing"):
        expect(validator, f"{name}.example.test", "A")


@case("a zone that is signed here goes out unsigned, and not in place of its ANAMEs")
def secondaries(bench):
    keys = Keys(bench)
    keys.make("example.test")
    peer = {"address": "198.51.100.2"}
    for mode, words in (("expand", "goes out unsigned"), ("native", None)):
        settings = zone_settings(keys, "example.test", secondaries=[{**peer, "mode": mode}])
        edge = signed_edge(bench, keys, {"example.test": ZONE}, settings, start=False)
        done = subprocess.run([os.path.join(edge.build, "anamed"), "--check", "--config",
                               edge.conf], capture_output=True, text=True)
        true((words or "") in done.stdout + done.stderr, done.stderr)
        equal(done.returncode, 1 if words else 0)
    edge.start()
    out = bench.lab.client_space.run("kdig", "@198.51.100.1", "example.test", "AXFR", "+short")
    true("192.0.2.92" in out and "RRSIG" not in out, out)
