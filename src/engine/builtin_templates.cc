#include "engine/builtin_templates.h"

#include <algorithm>
#include <cctype>

namespace pensieve::engine {
namespace {

// Forms as documented by each family's makers.
constexpr std::string_view kChatMl = R"({%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%})";

constexpr std::string_view kLlama2 = R"({%- set system = '' -%}
{%- if messages[0]['role'] == 'system' -%}
{%- set system = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' -%}
{%- set messages = messages[1:] -%}
{%- endif -%}
{%- for message in messages -%}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
{{- raise_exception('user and assistant must take turns') -}}
{%- endif -%}
{%- if message['role'] == 'user' -%}
{{- bos_token + '[INST] ' + (system if loop.first else '') + message['content'] | trim + ' [/INST]' -}}
{%- else -%}
{{- ' ' + message['content'] | trim + ' ' + eos_token -}}
{%- endif -%}
{%- endfor -%})";

constexpr std::string_view kMistral = R"({{- bos_token -}}
{%- for message in messages -%}
{%- if message['role'] == 'system' or (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
{{- raise_exception('user and assistant must take turns') -}}
{%- endif -%}
{%- if message['role'] == 'user' -%}
{{- '[INST] ' + message['content'] + ' [/INST]' -}}
{%- else -%}
{{- ' ' + message['content'] + eos_token -}}
{%- endif -%}
{%- endfor -%})";

constexpr std::string_view kPhi3 = R"({%- for message in messages -%}
{{- '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>\n' -}}{%- endif -%})";

constexpr std::string_view kDeepSeekCoder = R"({{- bos_token -}}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}
{{- message['content'] + '\n' -}}
{%- elif message['role'] == 'user' -%}
{{- '### Instruction:\n' + message['content'] + '\n' -}}
{%- else -%}
{{- '### Response:\n' + message['content'] + '\n<|EOT|>\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '### Response:\n' -}}{%- endif -%})";

constexpr std::string_view kGemma = R"({{- bos_token -}}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}
{{- raise_exception('no system role') -}}
{%- endif -%}
{%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
{{- '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<start_of_turn>model\n' -}}{%- endif -%})";

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

std::span<const BuiltinTemplate> builtin_templates() {
  static const std::vector<BuiltinTemplate> kFamilies{
      {"chatml", kChatMl, {"<|im_start|>"}, {}, {"<|im_end|>", "<|im_start|>"}},
      {"gemma", kGemma, {"<start_of_turn>"}, {"gemma"}, {"<end_of_turn>", "<start_of_turn>"}},
      {"phi-3", kPhi3, {"<|assistant|>"}, {"phi3", "phi-3"}, {"<|end|>", "<|user|>"}},
      {"deepseek-coder",
       kDeepSeekCoder,
       {"<|EOT|>"},
       {"deepseek-coder", "deepseek coder", "deepseek_coder"},
       {"<|EOT|>", "### Instruction:"}},
      {"mistral", kMistral, {"[INST]"}, {"mistral", "mixtral"}, {"[INST]"}},
      {"llama-2", kLlama2, {}, {"llama-2", "llama 2", "llama2", "llama v2", "codellama"}, {"[INST]"}},
  };
  return kFamilies;
}

const BuiltinTemplate& builtin_template_for(std::string_view architecture, std::string_view name,
                                            std::span<const std::string> control_texts) {
  const auto families = builtin_templates();
  const std::string words = lower_case(architecture) + "\n" + lower_case(name);
  const auto by_token = std::ranges::find_if(families, [&](const BuiltinTemplate& family) {
    return std::ranges::any_of(family.tokens, [&](std::string_view token) { return std::ranges::contains(control_texts, token); });
  });
  if (by_token != families.end()) return *by_token;
  const auto by_name = std::ranges::find_if(families, [&](const BuiltinTemplate& family) {
    return std::ranges::any_of(family.names, [&](std::string_view part) { return words.contains(part); });
  });
  return by_name != families.end() ? *by_name : families.front();
}

}  // namespace pensieve::engine
