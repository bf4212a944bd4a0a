# SPDX-License-Identifier: BSD-2-Clause
"""What an operator does: reload, bad files, attach and upgrade, look inside."""

import os
import subprocess
import threading
import time

from lib.ask import Load, Question, right
from lib.cases import case, equal, true
from lib.check import from_kernel, is_right, until_from_kernel, warm
from lib.lab import EDGE
from lib.process import Process, until
from lib.standard import NET1, NET2, ZONE, ZONES, edge_config
from seeing import http


class UnderLoad:
    """A load that runs beside what the case does, and must be answered in full."""

    def __init__(self, bench, questions):
        self.load = Load(bench.client, questions, window=8)
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.load.run, kwargs={"stop": self.done.is_set})

    def __enter__(self):
        self.thread.start()
        return self.load

    def __exit__(self, kind, *_):
        self.done.set()
        self.thread.join()
        if kind is None:
            load = self.load
            equal((load.lost, load.wrong), (0, 0), f"lost, wrong of {load.sent}: {load.faults}")


def flat_questions(bench, *networks):
    www = bench.lab.cdn.name("www")
    return [
        Question("example.test", "A", [right(www.addresses(net, "A"), 24)], net)
        for net in networks
    ]


@case("reload under query load loses nothing, and every answer is of one zone or the other")
def reload_under_load(bench):
    edge = bench.edge(edge_config(), ZONES)
    old, new = ("192.0.2.81", "192.0.2.82"), ("192.0.2.91", "192.0.2.92")
    questions = flat_questions(bench, NET1, NET2)
    questions.append(
        Question("static.example.test", "A", [right(old, 0), right(new, 0)], NET1)
    )
    swapped = ZONE.replace("192.0.2.8", "192.0.2.9")
    with UnderLoad(bench, questions) as load:
        for number in range(8):
            before = load.answered
            edge.write_zone("example.test", swapped if number % 2 == 0 else ZONE)
            edge.reload()
            wanted = new if number % 2 == 0 else old
            until(
                lambda: set(bench.client.ask("static.example.test").addresses) == set(wanted),
                "the new zone",
            )
            until(lambda: load.answered > before + 100, "a load that goes on")
    true(edge.stats()["kernel"]["hit"] > 100, "kernel hits")


@case("a reload changes the kernel's answers at once: no answer of the old zone after it")
def reload_in_kernel(bench):
    edge = bench.edge(edge_config(), ZONES)

    def ask():
        return bench.client.ask("static.example.test", "A", NET1)

    until_from_kernel(edge, ask)
    edge.write_zone("example.test", ZONE.replace("192.0.2.8", "192.0.2.9"))
    edge.reload()
    equal(set(ask().addresses), {"192.0.2.91", "192.0.2.92"})
    equal(set(until_from_kernel(edge, ask).addresses), {"192.0.2.91", "192.0.2.92"})


@case("a bad zone leaves the old one serving, says file and line, and does not stop the others")
def bad_zone(bench):
    second = ZONE.replace("example.test", "example.invalid")
    edge = bench.edge(edge_config(), {**ZONES, "example.invalid": second})
    edge.write_zone("example.test", ZONE + "broken A not-an-address\n")
    edge.write_zone("example.invalid", second.replace("192.0.2.8", "192.0.2.9"))
    edge.ctl("reload", check=False)
    line = ZONE.count("\n") + 1
    until(lambda: f"example.test.zone:{line}:" in edge.process.log_text(), "file and line")

    def addresses(name):
        return set(bench.client.ask(name, "A", NET1).addresses)

    equal(addresses("static.example.test"), {"192.0.2.81", "192.0.2.82"}, "the old zone")
    equal(addresses("static.example.invalid"), {"192.0.2.91", "192.0.2.92"}, "the other")


@case("SIGHUP reloads")
def sighup(bench):
    import signal

    edge = bench.edge(edge_config(), ZONES)
    edge.write_zone("example.test", ZONE + "new A 192.0.2.77\n")
    edge.process.signal(signal.SIGHUP)
    until(lambda: bench.client.ask("new.example.test").addresses == ["192.0.2.77"], "the new name")


def long_zone(number):
    """One that takes a while to read: SIGHUP finds it at work."""
    zone = ZONE.replace("example.test", "long.test")
    return zone + "".join(f"n{number}-{item} A 192.0.2.1\n" for item in range(200000))


@case("SIGHUP while a reload is under way: what changed meanwhile is loaded after it")
def sighup_twice(bench):
    import signal

    # The short zone is read first, so its new text comes too late for the first reload.
    edge = bench.edge(edge_config(), {**ZONES, "long.test": long_zone(1)})
    edge.write_zone("long.test", long_zone(2))
    edge.process.signal(signal.SIGHUP)
    time.sleep(0.1)
    edge.write_zone("example.test", ZONE + "new A 192.0.2.77\n")
    for _ in range(20):
        edge.process.signal(signal.SIGHUP)
        time.sleep(0.002)
    until(lambda: bench.client.ask("new.example.test").addresses == ["192.0.2.77"], "the new name")
    until(lambda: edge.status()["reloads"] == 2, "one reload more, however many signals")


@case("SIGHUP to a daemon that is coming up waits until it is up, and SIGUSR1 does no harm")
def sighup_early(bench):
    import signal

    edge = bench.edge(edge_config(), {**ZONES, "long.test": long_zone(1)}, start=False)
    edge.process.start()
    time.sleep(0.1)
    edge.process.signal(signal.SIGHUP)
    edge.process.signal(signal.SIGUSR1)
    until(lambda: "reloaded: 2 zones" in edge.process.log_text(), "the reload")
    true(edge.process.is_running(), "the daemon")


def run_check(bench, edge):
    program = os.path.join(bench.build, "anamed")
    return subprocess.run([program, "--check", "--config", edge.conf], capture_output=True, text=True)


@case("a bad configuration is refused with file and line by --check, and by reload")
def bad_config(bench):
    edge = bench.edge(edge_config(), ZONES)
    good = run_check(bench, edge)
    equal(good.returncode, 0, good.stderr)
    with open(edge.conf) as file:
        text = file.read()
    for bad in ("colour: blue\n", "answers:\n  ttl-floor: soon\n"):
        with open(edge.conf, "w") as file:
            file.write(text.replace("answers:\n", "unused:\n") + bad if "ttl" in bad else text + bad)
        done = run_check(bench, edge)
        true(done.returncode == 1 and "anamed.conf:" in done.stderr, f"{done}")
        edge.ctl("reload", check=False)
    is_right(bench.client.ask("example.test", "A", NET1), bench.lab.cdn.name("www"), NET1)


def line_in(edge, text):
    with open(edge.conf) as file:
        return next(number for number, line in enumerate(file, 1) if text in line)


@case("a user who is not there is said with file and line by --check, by reload, and by the start")
def unknown_user(bench):
    edge = bench.edge(edge_config(interfaces=None, server={"user": "root"}), ZONES)
    equal(run_check(bench, edge).returncode, 0, "--check of one who is there")
    edge.write_config({"server": {"user": "no-such-user"}})
    wanted = f"{edge.conf}:{line_in(edge, 'no-such-user')}: error: user: there is no user `no-such-user'"
    done = run_check(bench, edge)
    equal((done.returncode, done.stderr.splitlines()[0]), (1, wanted))
    edge.ctl("reload", check=False)
    true(f"everything stays as it was: {wanted}" in edge.process.log_text(), edge.process.log_text())
    equal(edge.status()["reloads_failed"], 1)
    is_right(bench.client.ask("example.test", "A", NET1), bench.lab.cdn.name("www"), NET1)
    edge.stop()
    edge.process.start()
    until(lambda: not edge.process.is_running(), "the end of a start in vain")
    equal(edge.process.child.returncode, 1, "its exit status")
    equal(edge.process.log_text().count(wanted), 2, edge.process.log_text())
    equal(edge.process.log_text().count("zones loaded"), 1, "starts that went on to take something")


@case("a setting without effect is warned of by --check, and in the log of start and reload")
def without_effect(bench):
    pool = {"name": "p.pool", "hold-down": "5s", "members": [{"address": "192.0.2.1"}]}
    edge = bench.edge(edge_config(interfaces=None, pools=[pool]), ZONES)
    place = f"{edge.conf}:{line_in(edge, 'hold-down')}: "
    done = run_check(bench, edge)
    equal((done.returncode, done.stderr.startswith(f"{place}warning: hold-down: has no effect")),
          (0, True), f"{done}")
    equal(edge.process.log_text().count(f"{place}hold-down: has no effect"), 1, "at the start")
    edge.reload()
    equal(edge.process.log_text().count(f"{place}hold-down: has no effect"), 2, "at a reload")


def interface_of(edge):
    return edge.status()["kernel"]["interfaces"][0]


def is_attached(edge):
    """By the status, and a page's life later by the metrics too."""
    said = interface_of(edge)

    def metric():
        lines = http(edge, "/metrics").splitlines()
        return [line.split()[-1] for line in lines if line.startswith("anamed_xdp_attached{")]

    until(lambda: metric() == ["1" if said["attached"] else "0"], f"the metric: {said}")
    return said["attached"] and said["program_id"] != 0


def renew_interface(bench, edge):
    """The device goes, and another one comes under its name."""
    bench.lab.edge_space.ip("link", "del", "client")
    try:
        true("the interface is gone" in edge.ctl("status"), edge.ctl("status"))
        until(lambda: not is_attached(edge), "the metric")
        true("client: not attached (the interface is gone)" in edge.process.log_text(), "the log")
    finally:
        bench.lab.link_client()


@case("an interface that comes anew has its program again, by a daemon that is root", alone=True)
def interface_anew(bench):
    edge = bench.edge(edge_config(), ZONES)
    true(is_attached(edge), "attached")
    renew_interface(bench, edge)
    until(lambda: interface_of(edge)["attached"], "attached again")
    true(interface_of(edge)["ours"], "our program")
    until_from_kernel(edge, lambda: bench.client.ask("static.example.test", "A"))


@case("an interface that comes anew is said to be without a program, by a daemon that is not root",
      alone=True)
def interface_anew_unprivileged(bench):
    edge = bench.edge(edge_config(server={"user": "nobody"}), ZONES, start=False)
    for folder, _, _ in os.walk(edge.folder):
        os.chown(folder, 65534, 65534)
    edge.start()
    renew_interface(bench, edge)
    until(lambda: "no program runs there any more" in edge.process.log_text(), "a word in the log")
    true("not attached" in edge.ctl("status"), edge.ctl("status"))
    equal(bench.client.ask("static.example.test", "A").rcode, "NOERROR", "by the daemon")
    edge.ctl("xdp", "attach")
    until(lambda: is_attached(edge), "attached again")
    until_from_kernel(edge, lambda: bench.client.ask("static.example.test", "A"))


@case("detach and attach under load: nothing lost; the daemon answers in between")
def detach_attach(bench):
    edge = bench.edge(edge_config(), ZONES)
    warm(bench, edge, "example.test", NET1, NET2)
    with UnderLoad(bench, flat_questions(bench, NET1, NET2)) as load:
        for verb in ("detach", "attach", "upgrade"):
            before = load.answered
            edge.ctl("xdp", verb)
            until(lambda: load.answered > before + 100, "a load that goes on")
            # The daemon, which has no privilege, says what is so by now.
            true(is_attached(edge) == (verb != "detach"), f"{verb}: {edge.ctl('status')}")
    reply = from_kernel(edge, lambda: bench.client.ask("example.test", "A", NET1))
    is_right(reply, bench.lab.cdn.name("www"), NET1)
    # The mode of a veth, where `auto` was asked for.
    true("generic" in edge.ctl("xdp", "status"), "generic on veth")


@case("anamectl says which word is wrong, or what its verb takes, and ends with 2")
def wrong_words(bench):
    for words, said in (
        (("flsuh", "example.test"), "`flsuh' is no verb"),
        (("flush",), "usage: anamectl flush NAME [SUBNET]\n"),
        (("flush", "a", "b", "c"), "usage: anamectl flush NAME [SUBNET]\n"),
        (("xdp", "detahc"), "xdp detach [IFACE]"),
        ((), "zone-check FILE ZONE"),
    ):
        done = subprocess.run([os.path.join(bench.build, "anamectl"), *words], capture_output=True)
        true(done.returncode == 2 and said in done.stderr.decode(), f"{words}: {done}")


@case("anamectl answers, explain and status tell what is stored, and where")
def look_inside(bench):
    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")
    warm(bench, edge, "example.test", NET1, NET2)
    text = edge.ctl("answers")
    for network in (NET1, NET2):
        true(network in text, f"{network} not in: {text}")
        for address in www.addresses(network, "A"):
            true(address in text, f"{address} not in: {text}")
    explained = edge.ctl("explain", "example.test", "A", "192.0.2.10")
    for word in ("www.cdn.test", "192.0.2.0/24", "example.test"):
        true(word in explained, f"{word} not in: {explained}")
    true("client" in edge.ctl("status"), "the interface in status")


@case("bpftool shows the maps' fields by name")
def map_dump(bench):
    edge = bench.edge(edge_config(), ZONES)
    warm(bench, edge, "example.test", NET1, NET2)  # the first stands in the owner's slot
    owners = [item["formatted"] for item in edge.map_dump("owners")]
    true(any(item["key"]["type"] == 1 for item in owners), f"owners: {owners}")
    audiences = [item["formatted"]["key"] for item in edge.map_dump("audiences")]
    true(any((key["family"], key["len"]) == (1, 24) for key in audiences), f"{audiences}")
    equal(edge.map_dump("control")[0]["formatted"]["value"]["abi"], 3)


@case("privileges are dropped to the configured user, and everything still works")
def drops_privileges(bench):
    edge = bench.edge(edge_config(server={"user": "nobody"}), ZONES, start=False)
    for folder, _, _ in os.walk(edge.folder):
        os.chown(folder, 65534, 65534)
    edge.start()
    equal(os.stat(f"/proc/{edge.process.pid}").st_uid, 65534, "user")
    www = bench.lab.cdn.name("www")
    warm(bench, edge, "example.test", NET1)
    edge.write_zone("example.test", ZONE + "new A 192.0.2.77\n")
    edge.reload()
    is_right(bench.client.ask("example.test", "A", NET1), www, NET1)
    equal(bench.client.ask("new.example.test").addresses, ["192.0.2.77"])


@case("dnsperf: every query of a load is answered, most by the kernel")
def dnsperf(bench):
    edge = bench.edge(edge_config(), ZONES)
    path = os.path.join(edge.folder, "queries")
    names = ("example.test A", "example.test AAAA", "shop.example.test A", "four.example.test AAAA",
             "static.example.test A", "a.wild.example.test A")
    with open(path, "w") as file:
        file.write("\n".join(names) + "\n")
    bench.client.ask("example.test", "A", source="198.51.100.2")
    before = edge.hits()
    text = bench.lab.client_space.run(
        "dnsperf", "-s", EDGE, "-d", path, "-l", "3", "-Q", "5000", "-c", "4", "-q", "50", "-e"
    )
    sent = int(text.split("Queries sent:")[1].split()[0])
    completed = int(text.split("Queries completed:")[1].split()[0])
    equal((completed, "SERVFAIL" in text), (sent, False), text)
    true(edge.hits() - before > sent * 0.95, f"{edge.hits() - before} of {sent} from the kernel")


@case("a second daemon of the same configuration does not start, and takes no query from the first")
def second_daemon(bench):
    edge = bench.edge(edge_config(interfaces=None), ZONES)
    other = Process(edge.space, edge.process.words, edge.process.log + "-2")
    questions = [Question("static.example.test", "A", [right(("192.0.2.81", "192.0.2.82"), 0)], NET1)]
    with UnderLoad(bench, questions) as load:
        for _ in range(3):
            before = load.answered
            other.start()
            until(lambda: not other.is_running(), "the second's end")
            equal(other.child.returncode, 1, "its exit status")
            until(lambda: load.answered > before + 100, "a load that goes on")
    true("another daemon listens there" in other.log_text(), other.log_text())
    equal(edge.status()["pid"], edge.process.pid, "who answers anamectl")


@case("stop leaves the kernel answering, and a start takes over")
def stop_start(bench):
    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")
    warm(bench, edge, "example.test", NET1)
    edge.ctl("stop")
    until(lambda: not edge.process.is_running(), "the end")
    for _ in range(5):
        is_right(from_kernel(edge, lambda: bench.client.ask("example.test", "A", NET1)), www, NET1)
        time.sleep(0.05)
    edge.start()
    is_right(from_kernel(edge, lambda: bench.client.ask("example.test", "A", NET1)), www, NET1)


@case("a newer version's maps take over under load: filled beside the older, no query lost")
def newer_version(bench):
    edge = bench.edge(edge_config(), ZONES, start=False)
    newer, older = edge.pins, os.path.join(os.path.dirname(edge.pins), "v1")
    edge.pins = older
    edge.write_config({"maps": {"pin-dir": older}})
    edge.start()
    www = bench.lab.cdn.name("www")
    warm(bench, edge, "example.test", NET1, NET2)
    with UnderLoad(bench, flat_questions(bench, NET1, NET2)):
        edge.ctl("stop")
        until(lambda: not edge.process.is_running(), "the end")
        edge.pins = newer
        edge.write_config({"maps": {"pin-dir": newer}})
        edge.start()
        until(lambda: edge.hits() > 1000, "hits in the newer maps")
    true("the maps are filled: program" in edge.process.log_text(), "the swap is said")
    true(not os.path.exists(older), "the older pins are gone")
    is_right(from_kernel(edge, lambda: bench.client.ask("example.test", "A", NET1)), www, NET1)
