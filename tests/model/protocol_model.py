#!/usr/bin/env python3
"""Executable model of the delivery protocol that ARCHITECTURE.md describes.

Explores EVERY interleaving of small worlds (one lane - a main partition and its retry partition - with one ordered
key, and two workers) under crashes, zombies, rebalances, in-doubt commits, duplicate publication, a database that
loses commits without any owner being told, a log that loses its head or is recreated, and operators who ask for the
same thing twice. A state that breaks an invariant is printed with the path that led to it.

    protocol_model.py            # the protocol: must print "holds" for each world
    protocol_model.py --mutants  # the protocol with one rule removed at a time: each must be caught
    protocol_model.py -v ...     # with --mutants: also the path to each violation

FAIL, FAULT, REPLAY, LOG in the environment: how many of each, for every world (0 and up; bigger takes longer).
Exit code 0 only if nothing failed. README.md says what is modelled and what is not.
"""
import gc
import os
import sys
from collections import deque

from invariants import broken, quiescent_broken
from state import ABOUT_COUNTS, KILLED_IN, RULES, SCENARIOS, Exploration, initial
from steps import NOT_PROGRESS, successors


def canonical(w):
    """The two workers are alike, and what is durable matters only while a database crash may still come."""
    one, two = w.mem
    mem = (one, two) if one is None or (two is not None and one.token <= two.token) else (two, one)
    return w._replace(mem=mem, durable=w.durable if w.budget.fault else w.db)


def verdict_at_rest(w, labels):
    rests = any(w.mem) and all(label.startswith(NOT_PROGRESS) for label in labels)
    return quiescent_broken(w) if rests else None


def explore():
    start = initial()
    parent, todo = {start: None}, deque([start])
    while todo:
        w = todo.popleft()
        why = broken(w)
        after = [] if why else list(successors(w))
        why = why or verdict_at_rest(w, [label for label, _ in after])
        if why:
            path = []
            while parent[w] is not None:
                w, label = parent[w]
                path.append(label)
            return len(parent), why, path[::-1]
        for label, n in after:
            n = canonical(n)
            if n not in parent:
                parent[n] = (w, label)
                todo.append(n)
    return len(parent), None, None


def check(name, least_faults=0):
    made = SCENARIOS[name]
    wanted = {key: int(os.environ[key.upper()]) for key in made.budget._fields if key.upper() in os.environ}
    budget = made.budget._replace(**wanted)
    Exploration.scenario = made._replace(budget=budget._replace(fault=max(budget.fault, least_faults)))
    return explore()


def check_mutant(rule, verbose):
    """Removed, the rule must be missed in every world that it is there for, and by its effect: the counters, which
    notice nearly everything, are watched only where they are what the rule is about."""
    RULES[rule] = False
    Exploration.counts_watched = rule in ABOUT_COUNTS
    least = 2 if rule == "token" else 0   # a zombie and a failover
    verdicts = [(name, *check(name, least)) for name in KILLED_IN[rule]]
    RULES[rule] = Exploration.counts_watched = True
    killed = all(why for _, _, why, _ in verdicts)
    print(f"{'killed  ' if killed else 'SURVIVED'} without {rule:21}",
          "; ".join(f"{name}: {why or 'holds'}" for name, _, why, _ in verdicts), flush=True)
    for name, _, why, path in verdicts if verbose else ():
        if why:
            print(f"  {name}:\n    " + "\n    ".join(path))
    return killed


def check_protocol(name):
    states, why, path = check(name)
    budget = Exploration.scenario.budget
    print(f"{name}: " + (f"BROKEN: {why}\n  " + "\n  ".join(path) if why else
                         f"holds in all {states} states ({budget.fail} failures, {budget.fault} faults, "
                         f"{budget.replay} requests, {budget.log} losses of the log)"), flush=True)
    return not why


def main():
    gc.disable()   # states refer to nothing that refers back
    if "--mutants" in sys.argv:
        results = [check_mutant(rule, "-v" in sys.argv) for rule in RULES]
    else:
        results = [check_protocol(name) for name in SCENARIOS]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
