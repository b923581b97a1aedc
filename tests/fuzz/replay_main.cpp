// Runs a fuzz target over the seeds in the folders or files that it is given: what libFuzzer's own
// main does with files, for compilers that have no libFuzzer.

#include <cstdio>
#include <exception>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/seed.h"

int main(int argc, char** argv) {
  std::size_t count = 0;
  try {
    for (int i = 1; i < argc; ++i) {
      for (const gslb::fuzz::Seed& seed : gslb::fuzz::read_seeds(argv[i])) {
        // Printed first: a target that fails ends the process.
        std::printf("%s\n", seed.file.c_str());
        std::fflush(stdout);
        LLVMFuzzerTestOneInput(seed.bytes.data(), seed.bytes.size());
        ++count;
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::printf("%zu seeds replayed\n", count);
  return count > 0 ? 0 : 1;
}
