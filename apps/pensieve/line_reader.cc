#include "line_reader.h"

#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <sys/select.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cwchar>
#include <iostream>
#include <string_view>
#include <utility>

#include "cli.h"

namespace pensieve::cli {
namespace {

constexpr int kHistoryLines = 1000;
volatile std::sig_atomic_t interruptions = 0;

void on_interrupt(int) { interruptions = 1; }

// Without SA_RESTART, so that a wait for input ends.
void catch_interrupts() {
  struct sigaction action{};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
}

// libedit reads characters by the locale; one without UTF-8 would break them.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

struct EditDeleter {
  void operator()(EditLine* edit) const { el_end(edit); }
};
struct HistoryDeleter {
  void operator()(History* history) const { history_end(history); }
};

char* prompt_of(EditLine* edit) {
  void* prompt = nullptr;
  el_get(edit, EL_CLIENTDATA, &prompt);
  return static_cast<std::string*>(prompt)->data();
}

// Waits for input. False after Ctrl-C, also if it came just before: SIGINT is let in during the wait only,
// so none is missed between the look at the flag and the wait.
bool wait_for_input() {
  sigset_t interrupt;
  sigset_t before;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  sigprocmask(SIG_BLOCK, &interrupt, &before);
  int ready = 0;
  while (interruptions == 0 && ready <= 0) {
    fd_set input;
    FD_ZERO(&input);
    FD_SET(STDIN_FILENO, &input);
    ready = pselect(STDIN_FILENO + 1, &input, nullptr, nullptr, nullptr, &before);
    if (ready < 0 && errno != EINTR) break;
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return interruptions == 0;
}

// libedit's own reader tries again after a signal, so that only a second Ctrl-C would be noticed.
int read_character(EditLine*, wchar_t* out) {
  std::mbstate_t state{};
  for (;;) {
    if (!wait_for_input()) return -1;
    char byte = 0;
    const ssize_t count = read(STDIN_FILENO, &byte, 1);
    if (count <= 0) return static_cast<int>(count);
    const std::size_t used = std::mbrtowc(out, &byte, 1, &state);
    if (used <= 1) return 1;
    if (used == static_cast<std::size_t>(-1)) state = {};  // no character: left out
  }
}

}  // namespace

struct LineReader::Editor {
  explicit Editor(std::filesystem::path file) : history_file(std::move(file)) {
    history(past.get(), &event, H_SETSIZE, kHistoryLines);
    history(past.get(), &event, H_SETUNIQUE, 1);
    // Made before libedit writes it, so that it is never readable by others.
    const int descriptor = open(history_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor >= 0) close(descriptor);
    history(past.get(), &event, H_LOAD, history_file.c_str());
    el_set(edit.get(), EL_CLIENTDATA, &prompt);
    el_set(edit.get(), EL_PROMPT, prompt_of);
    el_set(edit.get(), EL_EDITOR, "emacs");
    el_set(edit.get(), EL_HIST, history, past.get());
    el_set(edit.get(), EL_SIGNAL, 0);
    el_set(edit.get(), EL_GETCFN, read_character);
    el_set(edit.get(), EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_source(edit.get(), nullptr);
  }

  void remember(const std::string& line) {
    if (line.find_first_not_of(" \t") == std::string::npos) return;
    history(past.get(), &event, H_ENTER, line.c_str());
    history(past.get(), &event, H_SAVE, history_file.c_str());
  }

  std::filesystem::path history_file;
  std::string prompt;
  HistEvent event{};
  std::unique_ptr<History, HistoryDeleter> past{history_init()};
  std::unique_ptr<EditLine, EditDeleter> edit{el_init("pensieve", stdin, stdout, stderr)};
};

LineReader::LineReader(std::filesystem::path history) {
  if (!is_terminal(STDIN_FILENO) || !is_terminal(STDOUT_FILENO)) return;
  use_utf8();
  catch_interrupts();
  editor_ = std::make_unique<Editor>(std::move(history));
}

LineReader::~LineReader() = default;

bool LineReader::interactive() const { return editor_ != nullptr; }

bool LineReader::interrupted() { return interruptions != 0; }

void LineReader::forget_interruption() { interruptions = 0; }

Line LineReader::read(const std::string& prompt) {
  if (!editor_) {
    Line line{Line::Kind::kText, ""};
    if (!std::getline(std::cin, line.text)) return {Line::Kind::kEnd, ""};
    return line;
  }
  forget_interruption();
  editor_->prompt = prompt;
  int count = 0;
  const char* typed = el_gets(editor_->edit.get(), &count);
  if (interrupted()) {
    forget_interruption();
    el_reset(editor_->edit.get());
    std::cout << std::endl;
    return {Line::Kind::kInterrupted, ""};
  }
  if (typed == nullptr || count <= 0) {
    std::cout << std::endl;
    return {Line::Kind::kEnd, ""};
  }
  Line line{Line::Kind::kText, std::string(typed, static_cast<std::size_t>(count))};
  if (line.text.ends_with('\n')) line.text.pop_back();
  editor_->remember(line.text);
  return line;
}

}  // namespace pensieve::cli
