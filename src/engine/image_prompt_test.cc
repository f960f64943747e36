// Prompts with images in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/fake_batch_model.h"
#include "engine/fake_images.h"
#include "engine/prompt_builder.h"

namespace pensieve::engine {
namespace {

using testing::HasSubstr;

Image image(std::string bytes, std::size_t offset, std::string field = "messages.0.content.0") {
  return {.media_type = "image/png", .bytes = std::move(bytes), .offset = offset, .field = std::move(field)};
}

// Cells as '#', other tokens as their texts.
std::string shown(const std::vector<Token>& tokens, const FakeVocabulary& vocabulary) {
  std::string text;
  for (const Token token : tokens) text += token < 0 ? "#" : vocabulary.piece(token, true);
  return text;
}

class ImagePrompt : public testing::Test {
 protected:
  [[nodiscard]] PromptBuilder builder(const std::string& source, const ImageReader* reader) const {
    return {vocabulary, choose_template({.configured = source}, vocabulary).value(), nullptr, reader};
  }
  [[nodiscard]] Result<Prompt> build(const std::vector<Message>& messages, const std::string& source = "chatml") const {
    GenerationRequest request;
    request.messages = messages;
    return builder(source, &images).build(request);
  }
  [[nodiscard]] std::string text(const std::vector<Message>& messages, const std::string& source = "chatml") const {
    const auto prompt = build(messages, source);
    return prompt ? shown(prompt->tokens, vocabulary) : "error: " + prompt.error().text();
  }

  FakeVocabulary vocabulary{{"<|im_start|>", "<|im_end|>"}};
  FakeImageReader images;
};

TEST_F(ImagePrompt, AnImageStandsWhereItWasInTheText) {
  EXPECT_EQ(text({{.role = Role::kUser, .text = "before after", .images = {image("3a", 7)}}}),
            "<|im_start|>user\nbefore [###]after<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(text({{.role = Role::kUser, .text = "two", .images = {image("1a", 0), image("2b", 0)}}}),
            "<|im_start|>user\n[#][##]two<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(ImagePrompt, KnowsItsImagesByTheirPlaces) {
  vocabulary.set_begins_prompts(true);
  const Prompt prompt = build({{.role = Role::kUser, .text = "x", .images = {image("2a", 0)}},
                               {.role = Role::kAssistant, .text = "y"},
                               {.role = Role::kUser, .text = "z", .images = {image("3b", 1)}}})
                            .value();
  ASSERT_EQ(prompt.images.size(), 2U);
  for (const PromptImage& placed : prompt.images) {
    for (std::size_t at = 0; at < prompt.tokens.size(); ++at) {
      const bool within = at >= placed.begin && at < placed.end();
      if (within) {
        EXPECT_EQ(prompt.tokens[at], placed.image->tokens()[at - placed.begin]);
      }
    }
  }
  EXPECT_EQ(std::ranges::count_if(prompt.tokens, [](Token token) { return token < 0; }), 5);
}

TEST_F(ImagePrompt, AnotherImageOfTheSameSizeHasOtherTokens) {
  const auto tokens = [&](const std::string& bytes) {
    return build({{.role = Role::kUser, .text = "x", .images = {image(bytes, 0)}}})->tokens;
  };
  EXPECT_EQ(tokens("5a"), tokens("5a"));
  EXPECT_NE(tokens("5a"), tokens("5b"));
}

TEST_F(ImagePrompt, ToolResultsMayHaveImages) {
  const std::string rendered =
      text({{.role = Role::kUser, .text = "look"},
            {.role = Role::kAssistant, .tool_calls = {{"1", "camera", "{}"}}},
            {.role = Role::kTool, .text = "done", .tool_call_id = "1", .tool_failed = true, .images = {image("2a", 4)}}});
  EXPECT_THAT(rendered, HasSubstr("Error: done[##]"));
}

TEST_F(ImagePrompt, CountingDecodesNothing) {
  GenerationRequest request;
  request.messages = {{.role = Role::kUser, .text = "x", .images = {image("9a", 0)}}};
  const PromptBuilder prompts = builder("chatml", &images);
  const std::size_t counted = prompts.build(request, true)->tokens.size();
  EXPECT_EQ(images.decoded, 0);
  EXPECT_EQ(prompts.build(request)->tokens.size(), counted);
  EXPECT_EQ(images.decoded, 1);
}

// A client can write neither the placeholder nor a cell's number.
TEST_F(ImagePrompt, TextThatLooksLikeAPlaceholderStaysText) {
  const Prompt prompt = build({{.role = Role::kUser, .text = "\uE0F00\uE0F1", .images = {image("2a", 0)}}}).value();
  EXPECT_EQ(std::ranges::count_if(prompt.tokens, [](Token token) { return token < 0; }), 2);
  GenerationRequest forged;
  forged.prompt_kind = PromptKind::kTokens;
  forged.prompt_tokens = {65, -98, -98};
  EXPECT_THAT(builder("chatml", &images).build(forged).error().message, HasSubstr("has token -98"));
}

TEST_F(ImagePrompt, WhatCantBeReadNamesItsField) {
  const auto refused = build({{.role = Role::kUser, .text = "x", .images = {image("2a", 0), image("bad", 0, "messages.0.content.7")}}});
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused.error().param, "messages.0.content.7");
}

TEST_F(ImagePrompt, AModelWithoutAProjectorSaysWhatIsMissing) {
  GenerationRequest request;
  request.messages = {{.role = Role::kUser, .text = "x", .images = {image("2a", 0)}}};
  const auto refused = builder("chatml", nullptr).build(request);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("no projector"));
  EXPECT_EQ(refused.error().param, "messages.0.content.0");
}

TEST_F(ImagePrompt, AnImageIsNeverLeftOutInSilence) {
  const std::string last_only = "{{ messages[-1].content }}!";
  EXPECT_THAT(text({{.role = Role::kUser, .text = "x", .images = {image("2a", 0)}},
                    {.role = Role::kAssistant, .text = "so"},
                    {.role = Role::kUser, .text = "y"}},
                   last_only),
              HasSubstr("leaves the message of an image out"));
  EXPECT_EQ(text({{.role = Role::kUser, .text = "y", .images = {image("2a", 1)}}}, last_only), "y[##]!");
  GenerationRequest many;
  many.messages = {{.role = Role::kUser, .text = "x", .images = std::vector<Image>(101, image("1a", 0))}};
  EXPECT_THAT(builder("chatml", &images).build(many).error().message, HasSubstr("at most 100 images"));
}

}  // namespace
}  // namespace pensieve::engine
