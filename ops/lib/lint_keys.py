"""Prints "KEY PATH" for each source: the key changes with whatever a verdict of clang-tidy on it depends on.

    lint_keys.py COMPILE_COMMANDS CHECKS TOOL <sources, separated by NUL

That is the source, every header of ours that it reaches, its compile command, the list of checks and the tool.
Headers of the system are left out: they come with the packages. Exit code 1 if a source has no compile command.
"""
import hashlib
import json
import re
import sys
from functools import lru_cache
from pathlib import Path

INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


@lru_cache(maxsize=None)
def content(path):
    return Path(path).read_bytes()


@lru_cache(maxsize=None)
def included(path):
    """Include paths begin at the root; what is not there belongs to the system."""
    names = [name.decode() for name in INCLUDE.findall(content(path))]
    return [name for name in names if Path(name).is_file()]


def reached(path):
    found, waiting = set(), [path]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(included(name))
    return sorted(found)


def main(database, checks, tool):
    root = Path.cwd()
    commands = {entry["file"]: entry["command"] for entry in json.loads(Path(database).read_text())}
    for path in filter(None, sys.stdin.read().split("\0")):
        command = commands.get(str(root / path))
        if command is None:
            sys.exit(f"{path} is in no target: {database} does not know it")
        parts = [tool.encode(), content(checks), command.encode()]
        for name in reached(path):
            parts += [name.encode(), content(name)]
        key = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
        print(key, path)


main(*sys.argv[1:])
