// Asks gslbd, gdnsd, Knot DNS and BIND the unusual queries of edge_cases.inc, prints their answers
// side by side, and writes docs/reference/interoperability.md.
// usage: oracle_edge_table FILE
// Exits with 0 where gslbd answers as the list says, every difference is explained by an RFC, and
// nothing is explained that does not differ.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <regex>

#include "tests/oracle/edge_case.h"
#include "tests/oracle/edge_zone.h"

namespace gslb::oracle {
namespace {

using Row = std::vector<std::string>;

/// A cell without what servers are free to choose: the UDP size, and how long a cookie is.
std::string essence(const std::string& cell) {
  static const std::regex kFree(" (E[0-9]+) [0-9]+| (cookie):[0-9]+");
  return std::regex_replace(cell, kFree, " $1$2");
}

/// How many of the others answer as gslbd does.
std::ptrdiff_t count_same(const Row& cells) {
  const auto same = [&](const std::string& cell) { return essence(cell) == essence(cells[0]); };
  return std::count_if(cells.begin() + 1, cells.end(), same);
}

void write_line(std::ofstream& out, const Row& cells, const std::vector<std::size_t>& widths) {
  std::string line = "|";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line +=
        " " + cells[i] + std::string(widths[i] - std::min(widths[i], cells[i].size()), ' ') + " |";
  }
  std::printf("%s\n", line.c_str());
  out << line << '\n';
}

void write_table(std::ofstream& out, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows[0].size(), 0);
  // The explanations, the last column, are not padded.
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  write_line(out, rows[0], widths);
  Row rule;
  for (const std::size_t width : widths)
    rule.push_back(std::string(std::max(width, std::size_t{3}), '-'));
  write_line(out, rule, widths);
  for (std::size_t i = 1; i < rows.size(); ++i) write_line(out, rows[i], widths);
}

constexpr const char* kIntroduction =
    R"(# Unusual queries: gslbd beside other servers

How gslbd, gdnsd, Knot DNS and BIND, as Debian 12 has them, answer queries that are rare, odd or
malformed, about the same small zone. `./dev oracle` asks and writes this page; the queries and the
explanations stand in `tests/oracle/edge_cases.inc`.

A cell reads: RCODE, header flags, records in question/answer/authority/additional, and with EDNS
the version after `E`, the UDP size announced and the options. `ecs:/24/0` is source and scope,
`cookie:24` the octets, `ede:20` the code of an Extended DNS Error. Every server was told to announce
1232 octets (gdnsd announces 1024 all the same), to call itself "oracle", to refuse transfers, and to
send no records that need not be there; Knot's cookies and Client Subnet are on. Where any other server
answers differently, UDP sizes and the length of cookies aside, the last column says why gslbd's answer
is as it is.

How gslbd answers the usual queries is compared with NSD and Knot DNS by the same command: tens of
thousands of them, over static zones with wildcards, delegations, CNAMEs and DNAMEs. Each difference
must be one that `tests/oracle/explanations.cpp` accounts for by an RFC.

)";

int run(const std::string& file) {
  const ServedZone zone = edge_zone();
  std::vector<Server> servers;
  servers.push_back(start_gslbd(GSLBD_BINARY, zone));
  servers.push_back(start_gdnsd(zone));
  servers.push_back(start_knot(zone));
  servers.push_back(start_bind(zone));

  std::vector<Row> rows{{"query"}};
  for (const Server& server : servers) rows[0].push_back(server.name());
  rows[0].push_back("where not all are the same");
  int unexplained = 0, unexpected = 0, different = 0, alone = 0;
  for (const EdgeCase& edge_case : edge_cases()) {
    Row cells;
    for (const Server& server : servers) cells.push_back(ask(server.address(), edge_case));
    const std::ptrdiff_t same = count_same(cells);
    const bool is_different = same < std::ssize(cells) - 1;
    if (is_different) ++different;
    if (same == 0) ++alone;
    if (is_different != (edge_case.explanation.find("RFC ") != std::string::npos)) {
      ++unexplained;
      std::fprintf(stderr, "%s: %s\n", is_different ? "UNEXPLAINED" : "EXPLAINED BUT THE SAME",
                   edge_case.title.c_str());
    }
    if (cells[0] != edge_case.expected) {
      ++unexpected;
      std::fprintf(stderr, "UNEXPECTED: %s: %s\n", edge_case.title.c_str(), cells[0].c_str());
    }
    Row row{edge_case.title};
    row.insert(row.end(), cells.begin(), cells.end());
    row.push_back(edge_case.explanation);
    rows.push_back(std::move(row));
  }
  std::ofstream out(file, std::ios::trunc);
  out << kIntroduction;
  write_table(out, rows);
  out.close();
  std::printf(
      "\n%zu queries; not all are the same in %d, gslbd is alone in %d; wrongly explained %d; not "
      "as "
      "the list says %d\n",
      edge_cases().size(), different, alone, unexplained, unexpected);
  return out.good() && unexplained == 0 && unexpected == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gslb::oracle

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: oracle_edge_table FILE\n");
    return 2;
  }
  try {
    return gslb::oracle::run(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "oracle_edge_table: %s\n", error.what());
    return 2;
  }
}
