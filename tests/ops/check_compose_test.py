#!/usr/bin/env python3
"""Each rule of check_compose.py finds what it is there for, and only that."""

import copy
import unittest

import check_compose as checks

GOOD = {
    "broker": {
        "image": "apache/kafka:4.1.1",
        "restart": "unless-stopped",
        "ports": ["127.0.0.1:9094:9094"],
        "healthcheck": {"test": ["CMD", "x"], "interval": "1s", "timeout": "1s", "retries": 1},
    },
    "topics": {
        "image": "spool:1.0",
        "restart": "on-failure:5",
        "environment": {"SPOOL__DATABASE__URL_FILE": "/run/secrets/url"},
        "secrets": ["url"],
        "depends_on": {"broker": {"condition": "service_healthy"}},
    },
}


class Rules(unittest.TestCase):
    def found(self, name, rule, change=lambda services: None):
        services = copy.deepcopy(GOOD)
        change(services)
        arguments = (name, services[name])
        return list(rule(*arguments, services) if rule is checks.check_dependencies
                    else rule(*arguments))

    def expect(self, text, name, rule, change):
        self.assertEqual([], self.found(name, rule))
        found = self.found(name, rule, change)
        self.assertEqual(1, len(found), found)
        self.assertIn(text, found[0])

    def test_health_check_is_missing(self):
        self.expect("no health check", "broker", checks.check_health,
                    lambda s: s["broker"].pop("healthcheck"))

    def test_health_check_has_no_timeout(self):
        self.expect("without timeout", "broker", checks.check_health,
                    lambda s: s["broker"]["healthcheck"].pop("timeout"))

    def test_waits_for_a_check_that_does_not_exist(self):
        self.expect("which has no check", "topics", checks.check_dependencies,
                    lambda s: s["broker"].pop("healthcheck"))

    def test_depends_on_nobody(self):
        self.expect("does not exist", "topics", checks.check_dependencies,
                    lambda s: s.pop("broker"))

    def test_waits_for_the_end_of_a_server(self):
        def change(services):
            services["topics"]["depends_on"]["broker"]["condition"] = "service_completed_successfully"
        self.expect("never ends", "topics", checks.check_dependencies, change)

    def test_circle(self):
        services = copy.deepcopy(GOOD)
        self.assertEqual([], list(checks.check_cycles(services)))
        services["broker"]["depends_on"] = {"topics": {"condition": "service_started"}}
        self.assertIn("circle", next(checks.check_cycles(services)))

    def test_image_is_not_pinned(self):
        for image in ("apache/kafka", "apache/kafka:latest", "apache/kafka:4"):
            self.expect("not pinned", "broker", checks.check_image,
                        lambda s, image=image: s["broker"].update(image=image))

    def test_port_is_open_to_the_network(self):
        for port in ("9094:9094", "0.0.0.0:9094:9094"):
            self.expect("open to the network", "broker", checks.check_ports,
                        lambda s, port=port: s["broker"].update(ports=[port]))

    def test_password_in_plain_sight(self):
        self.expect("plain sight", "topics", checks.check_secrets,
                    lambda s: s["topics"]["environment"].update(POSTGRES_PASSWORD="x"))
        self.expect("holds a password", "topics", checks.check_secrets,
                    lambda s: s["topics"]["environment"].update(URL="postgresql://u:p@h/d"))

    def test_secret_that_nobody_provides(self):
        self.expect("no secret provides", "topics", checks.check_secrets,
                    lambda s: s["topics"].update(secrets=[]))


if __name__ == "__main__":
    unittest.main()
