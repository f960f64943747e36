#include "api/content.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/fake_image.h"
#include "base/base64.h"

namespace pensieve::api {
namespace {

using testing::HasSubstr;

TEST(Content, KeepsTheImagesPlacesWhenContentsAreJoined) {
  Content inner;
  inner.add("ab");
  inner.add(Image{.bytes = "1"});
  Content content;
  content.add(Image{.bytes = "0"});
  content.add("text", "\n");
  content.add(inner, "\n");
  content.add(Image{.bytes = "2"});
  Message message;
  set_content(message, content);
  EXPECT_EQ(message.text, "text\nab");
  ASSERT_EQ(message.images.size(), 3U);
  EXPECT_EQ(message.images[0].offset, 0U);
  EXPECT_EQ(message.images[1].offset, 7U);
  EXPECT_EQ(message.images[2].offset, 7U);
}

TEST(Content, TakesImagesInBase64WhateverTheySayTheyAre) {
  const auto image = image_of_url("DATA:image/jpeg;charset=x;base64," + kPixel, "images.0");
  ASSERT_TRUE(image) << image.error().text();
  EXPECT_EQ(image->media_type, "image/png");
  EXPECT_EQ(encode_base64(image->bytes), kPixel);
  EXPECT_EQ(image->field, "images.0");
  EXPECT_TRUE(image_of_base64(kPixel.substr(0, 20) + "\r\n" + kPixel.substr(20) + "\n", "x"));
}

TEST(Content, WhatIsNoImageNamesItsField) {
  const auto refusal = [](const Result<Image>& image) {
    EXPECT_FALSE(image);
    EXPECT_EQ(image.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(image.error().param, "here");
    return image.error().text();
  };
  EXPECT_THAT(refusal(image_of_base64("%%%%", "here")), HasSubstr("base64"));
  EXPECT_THAT(refusal(image_of_base64("", "here")), HasSubstr("empty"));
  EXPECT_THAT(refusal(image_of_base64(encode_base64("hello"), "here")), HasSubstr("no PNG"));
  EXPECT_THAT(refusal(image_of_base64(kPixel.substr(0, 64), "here")), HasSubstr("cut off"));
  EXPECT_THAT(refusal(image_of_url("https://example.com/a.png", "here")), HasSubstr("not fetched"));
  EXPECT_THAT(refusal(image_of_url("data:image/png," + kPixel, "here")), HasSubstr("data URL"));
  EXPECT_THAT(refusal(image_of_url("data:image/png;base64", "here")), HasSubstr("data URL"));
}

}  // namespace
}  // namespace pensieve::api
