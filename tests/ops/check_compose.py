#!/usr/bin/env python3
"""Checks docker-compose.yml and ops/Dockerfile as far as that goes without a container engine.

    tests/ops/check_compose.py [--spool BINARY]

With BINARY the product itself judges the workers' environment (`spool config check`), and the
shared libraries that it needs must come from the packages of the image.
Prints one line per finding; exit code 1 if there is any.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
# What every Debian system has; nobody lists it.
BASE_PACKAGES = {"libc6", "libstdc++6", "libgcc-s1"}


def is_one_shot(service):
    return str(service.get("restart", "")).startswith("on-failure") or service.get("restart") == "no"


def check_health(name, service):
    if is_one_shot(service):
        if "healthcheck" in service:
            yield f"{name}: a one-shot service needs no health check"
        return
    health = service.get("healthcheck")
    if not health:
        yield f"{name}: no health check"
        return
    if health["test"][0] not in ("CMD", "CMD-SHELL"):
        yield f"{name}: health check starts with {health['test'][0]}"
    for key in ("interval", "timeout", "retries"):
        if key not in health:
            yield f"{name}: health check without {key}"


def check_dependencies(name, service, services):
    depends = service.get("depends_on", {})
    if isinstance(depends, list):
        yield f"{name}: depends_on without conditions"
        return
    for other, how in depends.items():
        condition = how.get("condition")
        if other not in services:
            yield f"{name}: depends on {other}, which does not exist"
        elif condition not in CONDITIONS:
            yield f"{name}: unknown condition {condition}"
        elif condition == "service_healthy" and "healthcheck" not in services[other]:
            yield f"{name}: waits for the health of {other}, which has no check"
        elif condition == "service_completed_successfully" and not is_one_shot(services[other]):
            yield f"{name}: waits for the end of {other}, which never ends"


def check_cycles(services):
    def visit(name, path):
        if name in path:
            yield "depends_on runs in a circle: " + " -> ".join(path + [name])
            return
        for other in services.get(name, {}).get("depends_on", {}):
            yield from visit(other, path + [name])

    for name in services:
        yield from visit(name, [])


def check_image(name, service):
    image = service.get("image", "")
    if "build" in service:
        build = service["build"]
        if not (ROOT / build["context"] / build["dockerfile"]).is_file():
            yield f"{name}: {build['dockerfile']} does not exist"
    elif not re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$|@sha256:[0-9a-f]{64}$", image):
        yield f"{name}: image {image!r} is not pinned"


def check_ports(name, service):
    for port in service.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"{name}: port {port} is open to the network"


def check_mounts(name, service, compose):
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        if source.startswith("."):
            if not (ROOT / source).exists():
                yield f"{name}: mounts {source}, which does not exist"
        elif source not in compose.get("volumes", {}):
            yield f"{name}: volume {source} is not declared"
    for secret in service.get("secrets", []):
        if secret not in compose.get("secrets", {}):
            yield f"{name}: secret {secret} is not declared"


def check_secrets(name, service):
    for key, value in (service.get("environment") or {}).items():
        if re.search(r"PASSWORD|SECRET|TOKEN", key) and not key.endswith("_FILE"):
            yield f"{name}: {key} in plain sight"
        if re.search(r"://[^/\s]+:[^/\s]+@", str(value)):
            yield f"{name}: {key} holds a password"
        if key.endswith("_FILE"):
            secret = Path(str(value))
            if secret.parent != Path("/run/secrets") or secret.name not in service.get("secrets", []):
                yield f"{name}: {key} names {value}, which no secret provides"


def check_prometheus(services):
    config = yaml.safe_load((ROOT / "ops/prometheus/prometheus.yml").read_text())
    for job in config["scrape_configs"]:
        for static in job["static_configs"]:
            for target in static["targets"]:
                host = target.split(":")[0]
                if host != "127.0.0.1" and host not in services:
                    yield f"prometheus: target {target} is no service"


def check_kafka_version(services):
    pom = (ROOT / "ops/kafka/pom.xml").read_text()
    version = re.search(r"<kafka.version>(.*?)</kafka.version>", pom).group(1)
    if services["broker"]["image"] != f"apache/kafka:{version}":
        yield f"broker: {services['broker']['image']}, but ops/kafka/pom.xml has {version}"


def listed_packages(*sections):
    command = [str(ROOT / "ops/install"), "--list", *sections]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def check_packages():
    names = listed_packages()
    if not names:
        yield "ops/packages.txt: no package"
    for name in {n for n in names if names.count(n) > 1}:
        yield f"ops/packages.txt: {name} stands twice"
    for section in ("build", "runtime", "test", "stack"):
        if not listed_packages(section):
            yield f"ops/packages.txt: section {section} is empty"
    found = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", *names], capture_output=True, text=True
    ).stdout
    known = set(re.findall(r"^Package: (\S+)$", found, re.M))
    installed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package}\n"], capture_output=True, text=True
    ).stdout.split()
    for name in names:
        if name not in known and name not in installed:
            yield f"ops/packages.txt: Debian has no package {name}"


def dockerfile_steps():
    text = (ROOT / "ops/Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.M)
    text = re.sub(r"\\\n", " ", text)
    for line in text.splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), rest.split()


def ignore_rules():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [l for l in lines if l and not l.startswith("#")]


def check_dockerfile():
    stages, seen = {}, set()
    user, sent = None, {rule[1:] for rule in ignore_rules() if rule.startswith("!")}
    for word, rest in dockerfile_steps():
        seen.add(word)
        if word == "FROM":
            base = rest[0]
            if base not in stages and not re.search(r":\d+(\.\d+)*(-slim)?$", base):
                yield f"ops/Dockerfile: base image {base} is not pinned"
            stages[rest[2]] = base
            user = None
        elif word == "USER":
            user = rest[0]
        elif word == "COPY" and rest[0].startswith("--from="):
            if rest[0][len("--from="):] not in stages:
                yield f"ops/Dockerfile: {rest[0]} names no stage"
        elif word == "COPY":
            for source in rest[:-1]:
                if not (ROOT / source).exists():
                    yield f"ops/Dockerfile: COPY {source}: does not exist"
                if source.split("/")[0] not in sent:
                    yield f"ops/Dockerfile: COPY {source}: .dockerignore keeps it out"
        elif word == "RUN" and "apt-get" in rest:
            for section in re.findall(r"install --list (\w+)\)", " ".join(rest)):
                if not listed_packages(section):
                    yield f"ops/Dockerfile: no packages in section {section}"
    for word in ("HEALTHCHECK", "ENTRYPOINT", "USER", "STOPSIGNAL"):
        if word not in seen:
            yield f"ops/Dockerfile: no {word}"
    if user in (None, "root", "0"):
        yield "ops/Dockerfile: runs as root"


def check_configures():
    """The files that the image is given suffice to configure the product without its tests."""
    with tempfile.TemporaryDirectory() as folder:
        for word, rest in dockerfile_steps():
            if word == "COPY" and not rest[0].startswith("--"):
                for source in rest[:-1]:
                    link = Path(folder) / source
                    link.parent.mkdir(parents=True, exist_ok=True)
                    if not link.exists():
                        link.symlink_to(ROOT / source)
        command = ["cmake", "--preset", "release", "-DBUILD_TESTING=OFF",
                   "-B", f"{folder}/build",
                   "-DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON",
                   "-DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON"]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if run.returncode != 0:
            text = " ".join(run.stderr.split())
            yield f"ops/Dockerfile: its files do not configure without tests: {text[:600]}"


def check_environment(services, spool):
    """The product reads each worker's environment, with secrets that are there."""
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "secret"
        secret.write_text("postgresql://spool:word@database:5432/spool")
        for name, service in services.items():
            if service.get("image") != "spool:local":
                continue
            environment = {k: v for k, v in os.environ.items() if not k.startswith("SPOOL")}
            for key, value in service["environment"].items():
                environment[key] = str(secret) if key.endswith("_FILE") else str(value)
            run = subprocess.run([spool, "config", "check"], env=environment, cwd=folder,
                                 capture_output=True, text=True)
            if run.returncode != 0:
                yield f"{name}: environment refused: {run.stderr.strip()}"


def check_libraries(spool):
    """Every shared library of the binary belongs to a package of the image."""
    allowed = set(listed_packages("runtime")) | BASE_PACKAGES
    dynamic = subprocess.run(["readelf", "-d", spool], check=True, capture_output=True, text=True)
    for library in re.findall(r"\(NEEDED\).*\[(.*?)\]", dynamic.stdout):
        owner = subprocess.run(["dpkg-query", "-S", f"*/{library}"], capture_output=True, text=True)
        packages = set(re.findall(r"^([^:\s]+)[:,]", owner.stdout, re.M))
        if not packages & allowed:
            yield f"ops/packages.txt: [runtime] lacks {library} ({', '.join(packages) or 'unknown'})"


def findings(spool):
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"]
    for name, service in services.items():
        yield from check_health(name, service)
        yield from check_dependencies(name, service, services)
        yield from check_image(name, service)
        yield from check_ports(name, service)
        yield from check_mounts(name, service, compose)
        yield from check_secrets(name, service)
    yield from check_cycles(services)
    yield from check_prometheus(services)
    yield from check_kafka_version(services)
    yield from check_packages()
    yield from check_dockerfile()
    yield from check_configures()
    if spool:
        yield from check_environment(services, spool)
        yield from check_libraries(spool)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spool", help="a built binary that judges configuration and libraries")
    arguments = parser.parse_args()
    spool = str(Path(arguments.spool).resolve()) if arguments.spool else None
    found = list(findings(spool))
    for finding in found:
        print(finding)
    if not found:
        print("docker-compose.yml and ops/Dockerfile: no findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
