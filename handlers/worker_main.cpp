// The program `spool`: the engine with every handler of this repository.
#include "handlers/program.hpp"

int main(int argc, char** argv) {
  return spool::app::run_process(spool::program(), argc, argv);
}
