#include "generation/image_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace pensieve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string big(std::uint32_t value, std::size_t width = 4) {
  std::string bytes;
  for (std::size_t i = width; i-- > 0;) bytes += static_cast<char>(value >> 8 * i & 0xFFU);
  return bytes;
}
std::string little(std::uint32_t value, std::size_t width) {
  const std::string bytes = big(value, width);
  return {bytes.rbegin(), bytes.rend()};
}

std::string chunk(std::string_view type, std::string_view content) {
  return big(static_cast<std::uint32_t>(content.size())) + std::string(type) + std::string(content) + "crc!";
}
const std::string kSignature("\x89PNG\r\n\x1a\n", 8);
std::string png(std::uint32_t width, std::uint32_t height) {
  return kSignature + chunk("IHDR", big(width) + big(height) + std::string("\x08\x02\0\0\0", 5)) + chunk("IDAT", "data") +
         chunk("tEXt", "x") + chunk("IDAT", "more") + chunk("IEND", "");
}
std::string jpeg(std::uint32_t width, std::uint32_t height) {
  return std::string("\xff\xd8\xff\xe0", 4) + big(4, 2) + "JF" + std::string("\xff\xff\xff\xc2", 4) + big(11, 2) + "\x08" + big(height, 2) +
         big(width, 2) + "\x01xxx" + std::string("\xff\xda\0\x04xx pixels \xff\xd9", 16);
}
std::string gif(std::uint32_t width, std::uint32_t height) { return "GIF89a" + little(width, 2) + little(height, 2) + "rest of it"; }
std::string bmp(std::uint32_t width, std::uint32_t height) {
  return "BM" + little(60, 4) + little(0, 4) + little(54, 4) + little(40, 4) + little(width, 4) + little(height, 4) + std::string(34, 'x');
}

std::string error_of(std::string_view bytes) {
  const auto header = read_image_header(bytes);
  return header ? "" : header.error().message;
}

TEST(ImageHeader, ReadsTheSizesOfEveryFormat) {
  EXPECT_EQ(read_image_header(png(640, 480)), (ImageHeader{ImageFormat::kPng, 640, 480}));
  EXPECT_EQ(read_image_header(jpeg(300, 200)), (ImageHeader{ImageFormat::kJpeg, 300, 200}));
  EXPECT_EQ(read_image_header(gif(70, 50)), (ImageHeader{ImageFormat::kGif, 70, 50}));
  EXPECT_EQ(read_image_header(bmp(33, 44)), (ImageHeader{ImageFormat::kBmp, 33, 44}));
  EXPECT_EQ(read_image_header(bmp(33, static_cast<std::uint32_t>(-44))), (ImageHeader{ImageFormat::kBmp, 33, 44}));
}

TEST(ImageHeader, EveryCutIsAnError) {
  for (const std::string& whole : {png(640, 480), jpeg(300, 200)}) {
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(read_image_header(whole.substr(0, size))) << size;
  }
  EXPECT_THAT(error_of(png(640, 480).substr(0, 40)), HasSubstr("cut off"));
  EXPECT_THAT(error_of(jpeg(9, 9).substr(0, 30)), HasSubstr("cut off"));
  EXPECT_THAT(error_of(gif(9, 9).substr(0, 9)), HasSubstr("cut off"));
  EXPECT_THAT(error_of(bmp(9, 9).substr(0, 30)), HasSubstr("cut off"));
}

TEST(ImageHeader, SaysWhatCantBeRead) {
  EXPECT_EQ(error_of(""), "is empty");
  EXPECT_THAT(error_of("RIFF....WEBPVP8 "), HasSubstr("WebP"));
  EXPECT_THAT(error_of("<svg/>"), HasSubstr("no PNG, JPEG, GIF or BMP"));
  EXPECT_EQ(error_of(png(0, 5)), "has no pixels");
  EXPECT_EQ(error_of(gif(5, 0)), "has no pixels");
  EXPECT_EQ(error_of(kSignature + chunk("IHDR", big(5) + big(5) + "xxxxx") + chunk("IEND", "")), "has no pixels");
}

TEST(ImageHeader, AFewBytesMayNotClaimAHugeImage) {
  EXPECT_THAT(error_of(png(0xFFFFFFFF, 0xFFFFFFFF)), HasSubstr("has 4294967295 x 4294967295 pixels"));
  EXPECT_THAT(error_of(png(16'000, 16'000)), HasSubstr("16000"));
  EXPECT_THAT(error_of(jpeg(65'535, 1)), HasSubstr("65535"));
  EXPECT_THAT(error_of(bmp(1, 0x80000000)), HasSubstr("2147483648"));
  EXPECT_TRUE(read_image_header(png(5000, 5000)));
}

TEST(ImageHeader, ALengthBeyondTheFileEndsTheSearch) {
  EXPECT_FALSE(read_image_header(kSignature + big(0xFFFFFFF0) + "IHDR" + std::string(40, 'x')));
  EXPECT_FALSE(read_image_header(std::string("\xff\xd8\xff\xe0\xff\xff", 6) + "x"));
  EXPECT_FALSE(read_image_header(std::string("\xff\xd8\xff\xc0\0\x02", 6) + "xx\xff\xd9"));
}

TEST(ImageHeader, GivesTheDataOfAPngFile) {
  EXPECT_THAT(png_data(png(5, 5)), ElementsAre("data", "more"));
  EXPECT_TRUE(png_data("GIF89a").empty());
}

}  // namespace
}  // namespace pensieve
