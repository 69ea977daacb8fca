#!/usr/bin/env python3
"""Executable model of the delivery protocol that ARCHITECTURE.md describes.

Explores EVERY interleaving of small worlds (a lane - a main partition and its retry partition - with one ordered key,
and two workers) under crashes, zombies, rebalances, in-doubt commits, duplicate publication, retry records that expire
or come late, a database that loses commits without any owner being told, a log that loses its head or is recreated,
operators and hands who ask for the same thing twice, events that kill the process that runs them, and calls to another
service that outlive their owner. A state that breaks an invariant is printed with the path that led to it.

    protocol_model.py            # the protocol: must print "holds" for each world
    protocol_model.py --mutants  # the protocol with one rule removed at a time: each must be caught
    protocol_model.py -v ...     # with --mutants: also the path to each violation
    protocol_model.py --list     # the names of the rules, nothing else

FAIL, FAULT, REQUEST, LOG, HAND, DROP, RESTORE in the environment: how many of each, for every world (0 and up; bigger
takes longer). Exit code 0 only if nothing failed. README.md says what is modelled and what is not.
"""
import gc
import os
import sys
from collections import deque

import calls
import delivery
import quarantine
from rules import ABOUT_COUNTS, KILLED_IN, RULES
from state import Exploration
from worlds import SCENARIOS, Calling, Killing


def explore(model):
    start = model.initial()
    parent, todo = {start: None}, deque([start])
    while todo:
        w = todo.popleft()
        why = model.broken(w)
        after = [] if why else list(model.successors(w))
        why = why or model.broken_at_rest(w, [label for label, _ in after])
        if why:
            path = []
            while parent[w] is not None:
                w, label = parent[w]
                path.append(label)
            return len(parent), why, path[::-1]
        for label, n in after:
            n = model.canonical(n)
            if n not in parent:
                parent[n] = (w, label)
                todo.append(n)
    return len(parent), None, None


def check(name, least_faults=0):
    made = SCENARIOS[name]
    wanted = {key: int(os.environ[key.upper()]) for key in made.budget._fields if key.upper() in os.environ}
    budget = made.budget._replace(**wanted)
    Exploration.scenario = made._replace(budget=budget._replace(fault=max(budget.fault, least_faults)))
    return explore({Killing: quarantine, Calling: calls}.get(type(made), delivery))


def check_mutant(rule, verbose):
    """Removed, the rule must be missed in every world that it is there for, and by its effect: the counters, which
    notice nearly everything, are watched only where they are what the rule is about."""
    RULES[rule] = False
    Exploration.counts_watched = rule in ABOUT_COUNTS
    least = 2 if rule == "token" else 0   # a zombie and a failover
    verdicts = [(name, *check(name, least)) for name in KILLED_IN[rule]]
    RULES[rule] = Exploration.counts_watched = True
    killed = all(why for _, _, why, _ in verdicts)
    print(f"{'killed  ' if killed else 'SURVIVED'} without {rule:25}",
          "; ".join(f"{name}: {why or 'holds'}" for name, _, why, _ in verdicts), flush=True)
    for name, _, why, path in verdicts if verbose else ():
        if why:
            print(f"  {name}:\n    " + "\n    ".join(path))
    return killed


def check_protocol(name):
    states, why, path = check(name)
    budget = ", ".join(f"{key} {n}" for key, n in Exploration.scenario.budget._asdict().items() if n)
    print(f"{name}: " + (f"BROKEN: {why}\n  " + "\n  ".join(path) if why else
                         f"holds in all {states} states ({budget})"), flush=True)
    return not why


def main():
    if "--list" in sys.argv:
        print("\n".join(RULES))
        return
    gc.disable()   # states refer to nothing that refers back
    if "--mutants" in sys.argv:
        results = [check_mutant(rule, "-v" in sys.argv) for rule in RULES]
    else:
        results = [check_protocol(name) for name in SCENARIOS]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
