#include "engine/builtin_templates.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace pensieve::engine {
namespace {

constexpr std::array<BuiltinTemplate, 6> kTemplates = {{
    {"chatml",
     "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
     "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"},
    {"llama-2",
     "{% set system = '' %}{% for message in messages %}"
     "{% if message.role == 'system' %}{{ bos_token }}[INST] <<SYS>>\n{{ message.content }}\n<</SYS>>\n\n"
     "{% elif message.role == 'assistant' %} {{ message.content }} {{ eos_token }}"
     "{% elif not loop.first and messages[loop.index0 - 1].role == 'system' %}{{ message.content }} [/INST]"
     "{% else %}{{ bos_token }}[INST] {{ message.content }} [/INST]{% endif %}{% endfor %}"},
    {"mistral",
     "{{ bos_token }}{% for message in messages %}"
     "{% if message.role == 'system' %}[INST] {{ message.content }}\n\n"
     "{% elif message.role == 'assistant' %} {{ message.content }}{{ eos_token }}"
     "{% elif not loop.first and messages[loop.index0 - 1].role == 'system' %}{{ message.content }} [/INST]"
     "{% else %}[INST] {{ message.content }} [/INST]{% endif %}{% endfor %}"},
    {"phi-3",
     "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}<|end|>\n{% endfor %}"
     "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"},
    {"deepseek-coder",
     "{{ bos_token }}{% for message in messages %}"
     "{% if message.role == 'system' %}{{ message.content }}\n"
     "{% elif message.role == 'assistant' %}### Response:\n{{ message.content }}\n<|EOT|>\n"
     "{% else %}### Instruction:\n{{ message.content }}\n{% endif %}{% endfor %}"
     "{% if add_generation_prompt %}### Response:\n{% endif %}"},
    {"gemma",
     "{{ bos_token }}{% for message in messages %}"
     "{% if message.role == 'system' %}<start_of_turn>user\n{{ message.content }}\n\n"
     "{% elif message.role == 'assistant' %}<start_of_turn>model\n{{ message.content }}<end_of_turn>\n"
     "{% elif not loop.first and messages[loop.index0 - 1].role == 'system' %}"
     "{{ message.content }}<end_of_turn>\n"
     "{% else %}<start_of_turn>user\n{{ message.content }}<end_of_turn>\n{% endif %}{% endfor %}"
     "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"},
}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

}  // namespace

const BuiltinTemplate* find_builtin_template(std::string_view name) {
  const auto found = std::ranges::find(kTemplates, name, &BuiltinTemplate::name);
  return found == kTemplates.end() ? nullptr : &*found;
}

const BuiltinTemplate& choose_builtin_template(const TemplateHints& hints) {
  const std::string name = lower(hints.name);
  const auto contains = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  const auto pick = [](std::string_view which) -> const BuiltinTemplate& {
    return *find_builtin_template(which);
  };
  if (hints.has_token("<|im_start|>")) return pick("chatml");
  if (hints.has_token("<start_of_turn>") || hints.architecture.starts_with("gemma")) return pick("gemma");
  if (hints.architecture == "phi3" || hints.has_token("<|end|>")) return pick("phi-3");
  if (contains("deepseek") || hints.has_token("<|EOT|>")) return pick("deepseek-coder");
  if (contains("mistral") || contains("mixtral") || hints.has_token("[INST]")) return pick("mistral");
  if (contains("llama-2") || contains("llama2") || contains("codellama")) return pick("llama-2");
  return pick("chatml");
}

}  // namespace pensieve::engine
