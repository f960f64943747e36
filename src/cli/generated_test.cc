// Completion scripts and manual page, from a small tree.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "cli/command_tree.h"
#include "cli/completion.h"
#include "cli/man_page.h"

namespace pensieve::cli {
namespace {

class Generated : public testing::Test {
 protected:
  Generated() {
    CLI::App* serve = app_.add_subcommand("serve", "Run the server; it's in the foreground");
    serve->add_option("--port", port_, "port to listen on")->capture_default_str();
    serve->footer("Example:\n  prog serve --port 9000");
    CLI::App* config = app_.add_subcommand("config", "Settings");
    CLI::App* set = config->add_subcommand("set", "Set one");
    set->add_option("key", key_, "a setting")->required();
    set->add_flag("--json", json_, "as JSON");
    app_.add_subcommand("worker", "internal")->group("");
    tree_ = command_tree(app_);
  }
  std::string script(std::string_view shell) const { return completion_script(tree_, shell).value(); }

  CLI::App app_{"A program", "prog"};
  int port_ = 8484;
  std::string key_;
  bool json_ = false;
  Command tree_;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(Generated, InternalCommandsAppearNowhere) {
  for (const char* shell : {"bash", "zsh", "fish"}) EXPECT_FALSE(has(script(shell), "worker")) << shell;
  EXPECT_FALSE(has(man_page(tree_, {}), "worker"));
}

TEST_F(Generated, BashKnowsTheWordsOfEachPlace) {
  const std::string text = script("bash");
  EXPECT_TRUE(has(text, "'') words='serve config -h --help'")) << text;
  EXPECT_TRUE(has(text, "'config set') words='-h --help --json'")) << text;
  EXPECT_TRUE(has(text, "complete -o default -F _prog prog"));
}

TEST_F(Generated, QuotesInHelpTextsAreEscapedInEachShell) {
  EXPECT_TRUE(has(script("zsh"), R"(words_of+=('serve:Run the server; it'\''s in the foreground'))")) << script("zsh");
  EXPECT_TRUE(has(script("fish"), R"(-a serve -d 'Run the server; it\'s in the foreground')")) << script("fish");
}

TEST_F(Generated, FishOffersSubcommandsOnlyAtTheirPlace) {
  EXPECT_TRUE(has(script("fish"), "-n '__fish_seen_subcommand_from config; and not __fish_seen_subcommand_from set' -a set"))
      << script("fish");
  EXPECT_TRUE(has(script("fish"), "-l port -r -d 'port to listen on'"));
}

TEST_F(Generated, AnotherShellIsAnErrorThatNamesTheKnownOnes) {
  const auto script = completion_script(tree_, "csh");
  ASSERT_FALSE(script);
  EXPECT_EQ(script.error().advice, "use bash, zsh or fish");
}

TEST_F(Generated, TheManPageHasEveryCommandWithOptionsDefaultAndExample) {
  const std::string page = man_page(tree_, {.version = "1.2", .summary = "a program"});
  EXPECT_TRUE(page.starts_with(".TH PROG 1")) << page;
  EXPECT_TRUE(has(page, ".SS prog config set\n.B prog config set\n[options]\n\\fIkey\\fR\n")) << page;
  EXPECT_TRUE(has(page, "\\fB\\-\\-port\\fR \\fIVALUE\\fR\nport to listen on (default: 8484)")) << page;
  EXPECT_TRUE(has(page, ".EX\n  prog serve \\-\\-port 9000\n.EE")) << page;
}

TEST_F(Generated, NoTextOfTheManPageBeginsALineAsARequest) {
  Command tree{.name = "prog", .help = ".hidden files\n'quoted", .example = {}, .options = {}, .commands = {}};
  EXPECT_TRUE(has(man_page(tree, {}), "\n\\&.hidden files\n\\&'quoted\n"));
}

}  // namespace
}  // namespace pensieve::cli
