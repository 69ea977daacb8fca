#!/usr/bin/env python3
"""every_rule_is_planted.py <simulate>: each rule that tests/model can take away is taken away by a bug planted in the
simulation too, and each rule that a plant names is one of the model's. That each plant is caught tests
simulation_test."""
import pathlib
import subprocess
import sys

# Rules that no plant takes away, each with the reason.
NOT_PLANTABLE = {
    "restart_at_beginning": "no operator of the simulation accepts that a log is another one",
    "restart_moves_start": "the same",
    "note_names_epoch": "a former owner who counts beyond his heir takes more steps than a world has",
    "readmitted_swallows_begun": "what swallows what is the handler's to say, not the engine's",
}

MODEL = pathlib.Path(__file__).resolve().parent.parent / "model" / "protocol_model.py"


def lines_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def complaints(rules, plants, excused):
    planted = {rule for line in plants for rule in line.split()[1:]}
    yield from (f"no plant takes {rule} away" for rule in rules if rule not in planted | set(excused))
    yield from (f"{rule} is planted, and excused" for rule in sorted(planted & set(excused)))
    yield from (f"the model has no rule {rule}" for rule in sorted((planted | set(excused)) - set(rules)))


def main():
    rules, plants = lines_of(sys.executable, str(MODEL), "--list"), lines_of(sys.argv[1], "--plants")
    wrong = list(complaints(rules, plants, NOT_PLANTABLE))
    print("\n".join(wrong) or f"{len(rules)} rules, {len(plants)} plants")
    sys.exit(1 if wrong or not rules or not plants else 0)


if __name__ == "__main__":
    main()
