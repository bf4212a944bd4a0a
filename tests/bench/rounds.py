# SPDX-License-Identifier: BSD-2-Clause
"""rounds - interleaved runs, and the search for a server's best rate without loss."""

import time

from servers import Pdns
from stand import REFLECT

RUN_MS, QUICK_RUN_MS = 500, 150
COUNT, QUICK_COUNT = 5, 3
LOSS = 0.01
SATURATION, TRIES = 1.1, 4  # sent over replies, from which on a run of a reflector counts
FIRST_RATE = 10000
STEPS, QUICK_STEPS = 2, 1  # of halving, once the rate that is too high is found
MOST_RATE = 10000000  # beyond what the generator sends
RATE_TRIES, QUICK_RATE_TRIES = 3, 2  # of a rate, of which one has to succeed
FAILURES, QUICK_FAILURES = 2, 1  # rates on end that are too high, before the search believes it
REST_S = 0.1  # after too much was lost: what the server still holds is no reply to the next run


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def spread(values):
    return {"median": median(values), "min": min(values), "max": max(values)}


def ratio(runs, over, under, by="server_ns"):
    """Median of the ratios round by round: both ran within the same few seconds.

    By the time that the server's core takes for a reply: what it could answer
    if it were never idle. The generator cannot keep the reflector's core busy,
    so arrivals alone would make the reflector look slow.
    """
    pairs = zip(runs[over], runs[under])
    if by == "server_ns":
        return median([other[by] / one[by] for one, other in pairs])
    return median([one[by] / other[by] for one, other in pairs])


class Rounds:
    """Entries (name, stand, load, kind of server) that are run in turn, again and again."""

    def __init__(self, bench):
        self.bench = bench
        self.ms = QUICK_RUN_MS if bench.quick else RUN_MS
        self.count = QUICK_COUNT if bench.quick else COUNT
        self.patience = (QUICK_STEPS, QUICK_RATE_TRIES, QUICK_FAILURES) if bench.quick else \
            (STEPS, RATE_TRIES, FAILURES)
        self.entries = []
        self.runs = {}
        self.discarded = 0

    def add(self, name, stand, load, kind):
        self.entries.append((name, stand, load, kind))
        self.runs[name] = []

    def run(self):
        for _, stand, load, _ in self.entries:
            stand.load(load)
        for number in range(self.count):
            for name, stand, load, kind in self.entries:
                self.runs[name].append(self.run_once(stand, load, kind))
            self.bench.say(f"round {number + 1} of {self.count}")

    def run_once(self, stand, load, kind):
        """A reflector that could have answered more than it was sent is run again."""
        for _ in range(TRIES):
            run = stand.run(load, kind, self.ms)
            if kind != REFLECT or run["sent"] >= SATURATION * run["replies"]:
                break
            self.discarded += 1
        return run

    def result(self):
        return {
            "rounds": self.count,
            "unsaturated_runs_repeated": self.discarded,
            "runs": self.runs,
            "replies_per_s": {
                name: spread([run["replies_per_s"] for run in runs])
                for name, runs in self.runs.items()
            },
            "server_ns": {
                name: spread([run["server_ns"] for run in runs])
                for name, runs in self.runs.items()
            },
        }

    def ratio(self, over, under):
        return ratio(self.runs, over, under)

    def best_rates(self):
        """The peers' best rates with less than one query in a hundred lost."""
        peers = {}
        for name, stand, load, kind in self.entries:
            if kind == 1:
                runs = dnsperf(stand, self.ms) if isinstance(stand, Pdns) else \
                    search(stand, load, kind, self.ms, *self.patience)
                good = [run for run in runs if run["replies_all"] >= run["sent_all"] * (1 - LOSS)]
                peers[name] = {
                    "best_rate": max((run["replies_per_s"] for run in good), default=0),
                    "runs": runs,
                }
        return peers


def dnsperf(stand, ms):
    """A closed loop finds the rate by itself."""
    values = stand.dnsperf("-l", str(max(1, ms // 500)))
    return [{"rate": 0, "seconds": values["seconds"], "sent_all": values["sent"],
             "replies_all": values["replies"],
             "replies_per_s": values["replies"] / values["seconds"]}]


def search(stand, load, kind, ms, steps, tries, failures_max):
    """Doubles the rate until it is too high some times on end, then halves the step.

    A server that shares its core with the kernel's thread is late now and then
    at any rate, so a rate counts if one of a few tries has little loss, and one
    rate that failed is not the end.
    """
    runs = []

    def holds(rate):
        for _ in range(tries):
            run = stand.run(load, kind, ms, rate)
            run["rate"] = rate
            runs.append(run)
            if run["replies_all"] >= run["sent_all"] * (1 - LOSS):
                return True
            time.sleep(REST_S)
        return False

    best, failures, rate = 0, 0, FIRST_RATE
    while failures < failures_max and rate < MOST_RATE:
        if holds(rate):
            best, failures = rate, 0
        else:
            failures += 1
        rate *= 2
    rate = best or FIRST_RATE // 2
    while not best and rate >= 1000 and not holds(rate):
        rate //= 2
    step = rate
    for _ in range(steps):
        step //= 2
        if holds(rate + step):
            rate += step
    return runs
