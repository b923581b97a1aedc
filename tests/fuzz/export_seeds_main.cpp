// fuzz_export_seeds INTO FOLDER...: writes the seeds of the folders as the bytes that libFuzzer
// reads.

#include <cstdio>
#include <exception>
#include <fstream>

#include "tests/fuzz/seed.h"

namespace {

void write(const std::filesystem::path& file, const std::vector<std::uint8_t>& bytes) {
  std::ofstream stream(file, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) throw std::runtime_error(file.string() + ": cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: fuzz_export_seeds INTO FOLDER...\n", stderr);
    return 2;
  }
  try {
    const std::filesystem::path into(argv[1]);
    for (int i = 2; i < argc; ++i) {
      for (const gslb::fuzz::Seed& seed : gslb::fuzz::read_seeds(argv[i])) {
        // With the folder in front: names repeat from folder to folder.
        write(into / (std::to_string(i) + "-" + seed.file.filename().string()), seed.bytes);
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
