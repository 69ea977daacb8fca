#!/usr/bin/env python3
"""Style and dependency rules as a test: who may include what, how long a file may be, words that do not belong.

    tidy.py ROOT      prints every violation as path:line: text, exit code 1 if there is any
"""
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

LINES_MAX = 400
LINES_MAX_OF_A_TEST = 500  # a list of cases reads on where code does not
COLUMNS_MAX = 130

# folder -> what it may include of ours, besides itself
MAY_INCLUDE = {
    "engine/base": [],
    "engine/message": ["engine/base"],
    "engine/handler": ["engine/base", "engine/message"],
    "engine/delivery": ["engine/base", "engine/message", "engine/handler"],
    "engine/kafka": ["engine/base", "engine/message"],
    "engine/postgres": ["engine/base"],
    "engine/store": ["engine/base", "engine/message", "engine/handler", "engine/delivery", "engine/postgres"],
    "engine/config": ["engine/base", "engine/message"],
    "engine/observe": ["engine/base"],
    "engine/admin": ["engine/base"],
    "engine/http": ["engine/base"],
    "engine/crypto": ["engine/base"],
    "engine/runtime": ["engine/base", "engine/message", "engine/handler", "engine/delivery", "engine/kafka",
                       "engine/postgres", "engine/store", "engine/observe", "engine/admin"],
    "engine/app": ["engine/"],
    "handlers/progress_events": ["engine/base", "engine/message", "engine/handler", "engine/postgres/transaction.hpp",
                                 "engine/postgres/array_text.hpp", "engine/postgres/params.hpp",
                                 "engine/postgres/rows.hpp", "engine/postgres/connection.hpp", "engine/app/command"],
    "handlers/list_operations": ["engine/base", "engine/message", "engine/handler", "engine/postgres/transaction.hpp",
                                 "engine/postgres/array_text.hpp", "engine/postgres/params.hpp",
                                 "engine/postgres/rows.hpp", "engine/postgres/time_columns.hpp",
                                 "engine/postgres/connection.hpp", "engine/app/", "engine/store/operator_commands.hpp",
                                 "engine/store/page_cursor.hpp", "handlers/tmdb/"],
    "handlers/tmdb": ["engine/base", "engine/message", "engine/http/"],
    "handlers/tmdb_sessions": ["engine/base", "engine/message", "engine/crypto", "engine/http/", "engine/postgres/transaction.hpp",
                               "engine/store/audit_log.hpp", "engine/store/operator_commands.hpp",
                               "engine/config/settings.hpp", "engine/app/", "handlers/tmdb/"],
    "handlers/local_lists": ["engine/base", "engine/message/record_batch.hpp", "engine/handler/duty.hpp",
                             "engine/postgres/transaction.hpp", "engine/postgres/array_text.hpp",
                             "engine/postgres/params.hpp", "engine/postgres/rows.hpp", "engine/postgres/connection.hpp",
                             "engine/app/", "engine/store/audit_log.hpp", "engine/store/page_cursor.hpp",
                             "handlers/list_operations/"],
    "handlers": ["engine/", "handlers/"],
}
# third party -> where it may be included
THIRD_PARTY = {
    r"librdkafka/": ["engine/kafka/", "tests/"],
    r"pqxx": ["engine/postgres/", "tests/"],
    r"libpq": ["engine/postgres/", "tests/"],
    r"prometheus/": ["engine/observe/"],
    r"spdlog/": ["engine/observe/"],
    r"toml\+\+|toml\.hpp": ["engine/config/", "engine/app/topic_manifest.cpp"],
    r"CLI/": ["engine/app/", "tests/tmdb/"],
    r"boost/asio/awaitable": ["engine/http/", "engine/runtime/", "handlers/tmdb/", "handlers/list_operations/*_perform.", "tests/"],
    r"boost/(?!asio/awaitable)": ["engine/runtime/loop.cpp", "engine/runtime/call_desk.cpp", "engine/admin/", "engine/http/", "handlers/tmdb_sessions/login_service.cpp", "handlers/list_operations/*_perform.*", "tests/"],
    r"simdjson": ["engine/message/", "tests/", "engine/observe/", "engine/kafka/", "engine/app/", "handlers/tmdb/json.cpp", "handlers/local_lists/list_json.cpp"],
    r"csv\.h": ["handlers/local_lists/csv_rows.cpp"],
    r"xxhash": ["engine/delivery/order_key.cpp"],
    r"openssl/": ["engine/base/uuid.cpp", "engine/crypto/", "engine/postgres/", "engine/http/connection.cpp"],
}
# Never in a header that others see.
PUBLIC_HEADER_BANS = re.compile(r"librdkafka/|pqxx|prometheus/|spdlog/|boost/asio\.hpp|boost/beast|toml\+\+|CLI/|simdjson|xxhash")
# Included by the .cpp files of their own folder only.
PRIVATE_HEADERS = {"engine/kafka/handles.hpp", "engine/postgres/session.hpp"}

BANNED = [
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "says that something is unfinished"),
    (re.compile(r"\bsleep_for\b|\busleep\s*\(|\bnanosleep\s*\("), "sleeps; wait for an event"),
    (re.compile(r"\bGTEST_SKIP\(\)\s*;|\bDISABLED_"), "a test that does not run, and does not say why"),
    (re.compile(r"\b(if|while|switch)\s*\(.*co_await\b"), "g++ 12 miscompiles co_await in a condition"),
    (re.compile(r"#include\s+<boost/(asio|beast)\.hpp>"), "a whole library; include the narrow header"),
]


def sources(root):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
                            capture_output=True, check=True).stdout.decode()
    return [name for name in listed.split("\0") if name.endswith((".cpp", ".hpp")) and (root / name).exists()]


def folder_of(path):
    known = [folder for folder in MAY_INCLUDE if path.startswith(folder + "/")]
    return max(known, key=len) if known else None


def check_include(path, target, own):
    if own:
        folder = folder_of(path)
        test = path.endswith("_test.cpp") or "test_support" in path or "_fixture" in path or path.startswith("tests/")
        if folder is None or test or target.startswith(folder + "/"):
            return None
        if not any(target.startswith(allowed) for allowed in MAY_INCLUDE[folder]):
            return f"{folder} may not include {target}"
        return None
    for party, allowed in THIRD_PARTY.items():
        if re.search(party, target) and not any(fnmatch(path, a + "*") for a in allowed):
            if not path.endswith(("_test.cpp", "_test_support.cpp", "_test_support.hpp")):
                return f"<{target}> belongs to {' '.join(allowed)}"
    private = path in PRIVATE_HEADERS or path.startswith("tests/")
    if path.endswith(".hpp") and not private and PUBLIC_HEADER_BANS.search(target):
        return f"a header may not include <{target}>"
    return None


def check_file(path, text):
    found = []
    lines = text.split("\n")
    limit = LINES_MAX_OF_A_TEST if path.endswith("_test.cpp") else LINES_MAX
    if len(lines) > limit + 1:
        found.append((len(lines), f"{len(lines)} lines, at most {limit}"))
    if path.endswith(".hpp") and "#pragma once" not in text:
        found.append((1, "no #pragma once"))
    if path.endswith(".hpp") and not lines[0].startswith("//"):
        found.append((1, "a header opens with what it is for"))
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            found.append((number, f"{len(line)} columns"))
        include = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if include:
            why = check_include(path, include.group(2), include.group(1) == '"')
            if why:
                found.append((number, why))
        for pattern, why in BANNED:
            if pattern.search(line):
                found.append((number, why))
    return found


def check_migrations(root):
    found = []
    for up in sorted((root / "migrations").glob("*/*.up.sql")):
        if not up.with_name(up.name.replace(".up.sql", ".down.sql")).exists():
            found.append(f"{up.relative_to(root)}:1: has no way down")
    return found


def main():
    root = Path(sys.argv[1])
    violations = check_migrations(root)
    for name in sources(root):
        text = (root / name).read_text(encoding="utf-8")
        violations += [f"{name}:{number}: {why}" for number, why in check_file(name, text)]
    print("\n".join(violations) or "tidy")
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
