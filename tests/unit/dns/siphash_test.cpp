#include "dns/siphash.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <random>
#include <vector>

namespace gslb::dns {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Of the paper and of its reference vectors: the octets 0, 1, 2 …
Bytes counting(std::size_t size) {
  Bytes octets(size);
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<std::uint8_t>(i);
  return octets;
}

SipHashKey key_of(const Bytes& octets) {
  return make_siphash_key(std::span<const std::uint8_t, kSipHashKeySize>(octets));
}

/// The same by OpenSSL.
std::uint64_t openssl_siphash(const Bytes& key, const Bytes& message, unsigned c, unsigned d) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(
      EVP_MAC_fetch(nullptr, "SIPHASH", nullptr), EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
      EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
  std::size_t size = 8;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                                   OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &c),
                                   OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &d),
                                   OSSL_PARAM_construct_end()};
  std::array<std::uint8_t, 8> out{};
  EXPECT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), parameters), 1);
  EXPECT_EQ(EVP_MAC_update(context.get(), message.data(), message.size()), 1);
  EXPECT_EQ(EVP_MAC_final(context.get(), out.data(), &size, out.size()), 1);
  return load_le64(out.data());
}

TEST(SipHash, AgreesWithThePaper) {
  // Appendix A of the paper for 15 octets, the reference vectors of the authors for the others.
  const struct {
    std::size_t size;
    std::uint64_t hash;
  } rows[] = {{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {2, 0x0d6c8009d9a94f5a},
              {3, 0x85676696d7fb7e2d}, {4, 0xcf2794e0277187b7}, {5, 0x18765564cd99a68d},
              {6, 0xcbc9466e58fee3ce}, {7, 0xab0200f58b01d137}, {8, 0x93f5f5799a932462},
              {15, 0xa129ca6149be45e5}};
  for (const auto& row : rows) {
    EXPECT_EQ((siphash<2, 4>(key_of(counting(16)), counting(row.size))), row.hash) << row.size;
  }
}

TEST(SipHash, AgreesWithOpenSsl) {
  std::mt19937 random(1);
  const auto octets = [&random](std::size_t size) {
    Bytes result(size);
    for (std::uint8_t& octet : result) octet = static_cast<std::uint8_t>(random());
    return result;
  };
  for (std::size_t size = 0; size <= 70; ++size) {
    const Bytes key = octets(16);
    const Bytes message = octets(size);
    EXPECT_EQ((siphash<2, 4>(key_of(key), message)), openssl_siphash(key, message, 2, 4)) << size;
    EXPECT_EQ((siphash<1, 3>(key_of(key), message)), openssl_siphash(key, message, 1, 3)) << size;
  }
}

TEST(SipHash, TakesWordsAndATail) {
  const SipHashKey key = key_of(counting(16));
  const Bytes message = counting(20);
  SipHasher<2, 4> hasher(key);
  hasher.add(load_le64(&message[0]));
  hasher.add(load_le64(&message[8]));
  EXPECT_EQ(hasher.finish(0x13121110, 20), (siphash<2, 4>(key, message)));
}

TEST(SipHash, MakesANewKeyEachTime) {
  const auto one = make_random_siphash_key();
  const auto two = make_random_siphash_key();
  ASSERT_TRUE(one && two);
  EXPECT_FALSE(*one == *two);
}

}  // namespace
}  // namespace gslb::dns
