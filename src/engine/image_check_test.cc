#include "engine/image_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace pensieve::engine {
namespace {

using testing::HasSubstr;

std::string packed(const std::string& bytes) {
  std::string out(compressBound(bytes.size()), '\0');
  uLongf size = out.size();
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  out.resize(size);
  return out;
}

std::string big(std::size_t value) {
  return {static_cast<char>(value >> 24U), static_cast<char>(value >> 16U), static_cast<char>(value >> 8U), static_cast<char>(value)};
}
std::string chunk(std::string_view type, const std::string& content) { return big(content.size()) + std::string(type) + content + "crc!"; }
// A grey image whose data, in two chunks with `between` between them, unpacks to `bytes`.
std::string png(std::size_t width, std::size_t height, const std::string& bytes, const std::string& between = {}) {
  const std::string data = packed(bytes);
  return std::string("\x89PNG\r\n\x1a\n", 8) + chunk("IHDR", big(width) + big(height) + std::string("\x08\0\0\0\0", 5)) +
         chunk("IDAT", data.substr(0, 5)) + between + chunk("IDAT", data.substr(5)) + chunk("IEND", "");
}

TEST(ImageCheck, TakesAnImageOfItsSize) {
  EXPECT_TRUE(check_image(png(100, 100, std::string(101UL * 100, '\0'))));
  EXPECT_TRUE(check_image(png(1000, 1000, std::string(1001UL * 1000, '\7'))));
}

TEST(ImageCheck, APngFileThatUnpacksToMoreThanItsSizeIsRefused) {
  const auto bomb = check_image(png(10, 10, std::string(50'000'000, '\0')));
  ASSERT_FALSE(bomb);
  EXPECT_EQ(bomb.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(bomb.error().message, HasSubstr("unpacks to more"));
}

TEST(ImageCheck, AnEmptyChunkHidesNothing) {
  EXPECT_TRUE(check_image(png(100, 100, std::string(101UL * 100, '\0'), chunk("IDAT", ""))));
  EXPECT_FALSE(check_image(png(10, 10, std::string(50'000'000, '\0'), chunk("IDAT", ""))));
}

TEST(ImageCheck, WhatIsNoImageIsRefused) { EXPECT_THAT(check_image("hello").error().message, HasSubstr("no PNG")); }

}  // namespace
}  // namespace pensieve::engine
