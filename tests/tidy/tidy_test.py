#!/usr/bin/env python3
"""Each rule of tidy.py must be able to fail."""
import unittest

import tidy


class Rules(unittest.TestCase):
    def why(self, path, text):
        return " ".join(why for _, why in tidy.check_file(path, text))

    def test_a_clean_file_passes(self):
        self.assertEqual(self.why("engine/delivery/lane.cpp", '#include "engine/base/result.hpp"\n'), "")

    def test_folders_look_down_only(self):
        self.assertIn("may not include", self.why("engine/base/a.cpp", '#include "engine/delivery/lane.hpp"'))
        self.assertIn("may not include", self.why("engine/delivery/a.cpp", '#include "engine/kafka/consumer.hpp"'))
        self.assertIn("may not include", self.why("engine/app/a.cpp", '#include "handlers/program.hpp"'))
        self.assertIn("may not include",
                      self.why("handlers/progress_events/a.cpp", '#include "engine/kafka/producer.hpp"'))

    def test_third_parties_stay_in_their_folder(self):
        self.assertIn("belongs to", self.why("engine/delivery/a.cpp", "#include <librdkafka/rdkafka.h>"))
        self.assertIn("belongs to", self.why("engine/store/a.cpp", "#include <pqxx/pqxx>"))
        self.assertIn("belongs to", self.why("engine/runtime/relay.cpp", "#include <boost/asio/post.hpp>"))
        self.assertIn("a header may not", self.why("engine/postgres/a.hpp", "// x\n#pragma once\n#include <pqxx/pqxx>"))

    def test_text_rules(self):
        self.assertIn("unfinished", self.why("engine/base/a.cpp", "// TO" + "DO later"))
        self.assertIn("sleeps", self.why("tests/a.cpp", "std::this_thread::sleep" + "_for(x);"))
        self.assertIn("does not run", self.why("tests/a.cpp", "GTEST" + "_SKIP();"))
        self.assertIn("miscompiles", self.why("engine/admin/a.cpp", "if (co_" + "await f()) {"))
        self.assertIn("columns", self.why("engine/base/a.cpp", "x" * 200))
        self.assertIn("lines", self.why("engine/base/a.cpp", "\n" * 500))
        self.assertIn("pragma", self.why("engine/base/a.hpp", "// x\n"))
        self.assertIn("what it is for", self.why("engine/base/a.hpp", "#pragma once\n"))


if __name__ == "__main__":
    unittest.main()
