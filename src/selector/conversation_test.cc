#include "selector/conversation.h"

#include <gtest/gtest.h>

namespace pensieve::selector {
namespace {

GenerationRequest conversation(std::initializer_list<std::pair<Role, std::string>> turns) {
  GenerationRequest request;
  for (const auto& [role, text] : turns) request.messages.push_back({.role = role, .text = text});
  return request;
}

const std::string kTask = "Implement optimistic concurrency control for the inventory service with conflict detection and tests.";

TEST(Conversation, TheLastUserMessageIsTheTask) {
  const GenerationRequest request =
      conversation({{Role::kUser, kTask},
                    {Role::kAssistant, "Done."},
                    {Role::kUser, "Write a poem about autumn leaves in the style of a sea shanty for my daughter's school play."}});
  const TaskText task = find_task(request);
  EXPECT_EQ(task.turn, TaskTurn::kNewTask);
  EXPECT_TRUE(task.current.starts_with("Write a poem"));
  EXPECT_TRUE(task.anchor.empty());
}

TEST(Conversation, AShortFollowUpBelongsToItsTask) {
  for (const char* words : {"now do the same for the other file", "continue", "yes", "it still fails, try again", "go on with step 2"}) {
    const GenerationRequest request = conversation({{Role::kUser, kTask}, {Role::kAssistant, "Done."}, {Role::kUser, words}});
    const TaskText task = find_task(request);
    EXPECT_EQ(task.turn, TaskTurn::kFollowUp) << words;
    EXPECT_EQ(task.anchor, kTask) << words;
  }
}

TEST(Conversation, FollowUpsInARowLeadBackToTheTask) {
  const GenerationRequest request = conversation({{Role::kUser, kTask},
                                                  {Role::kAssistant, "a"},
                                                  {Role::kUser, "continue"},
                                                  {Role::kAssistant, "b"},
                                                  {Role::kUser, "ok"},
                                                  {Role::kAssistant, "c"},
                                                  {Role::kUser, "and now the tests"}});
  EXPECT_EQ(find_task(request).anchor, kTask);
}

TEST(Conversation, AToolsResultIsNotANewTask) {
  const GenerationRequest request = conversation({{Role::kUser, kTask}, {Role::kAssistant, ""}, {Role::kTool, "class Inventory {}"}});
  const TaskText task = find_task(request);
  EXPECT_EQ(task.turn, TaskTurn::kToolTurn);
  EXPECT_EQ(task.current, kTask);
  EXPECT_EQ(task.tool_turns, 1);
}

TEST(Conversation, ThanksCloseIt) {
  for (const char* words : {"thanks, that's all", "perfect, thank you!", "Danke!"}) {
    const GenerationRequest request = conversation({{Role::kUser, kTask}, {Role::kAssistant, "Done."}, {Role::kUser, words}});
    EXPECT_EQ(find_task(request).turn, TaskTurn::kClosing) << words;
  }
  const GenerationRequest request =
      conversation({{Role::kUser, kTask}, {Role::kAssistant, "Done."}, {Role::kUser, "thanks, now do the other file"}});
  EXPECT_EQ(find_task(request).turn, TaskTurn::kFollowUp);
}

TEST(Conversation, WrappersOfClientsAreNotTheUsersWords) {
  EXPECT_EQ(
      without_wrappers("<system-reminder>\nDesign everything.\n</system-reminder>\nfix the typo\n<system-reminder>x</system-reminder>"),
      "fix the typo");
  EXPECT_EQ(without_wrappers("<environment_context>\n<cwd>/a</cwd>\n</environment_context>"), "");
  EXPECT_EQ(without_wrappers("<html><body>what is wrong here?</body></html>"), "<html><body>what is wrong here?</body></html>");
  EXPECT_EQ(without_wrappers("<env>never closed"), "<env>never closed");
}

TEST(Conversation, FilesThatAClientShowsAreNoTask) {
  const GenerationRequest request =
      conversation({{Role::kUser, "I have *added these files to the chat* so you can go ahead and edit them.\n\napp.py\n..."},
                    {Role::kAssistant, "Ok."},
                    {Role::kUser, "rename main to run"}});
  EXPECT_TRUE(find_task(request).anchor.empty());
}

TEST(Conversation, ATaskWithThanksIsStillATask) {
  EXPECT_NE(find_task(conversation({{Role::kUser, "Explain tides. Thanks!"}})).turn, TaskTurn::kClosing);
  EXPECT_NE(find_task(conversation({{Role::kUser, kTask}, {Role::kAssistant, "Done."}, {Role::kUser, "Explain step two. Thanks!"}})).turn,
            TaskTurn::kClosing);
}

TEST(Conversation, AClientsTitleCallIsASideCall) {
  const GenerationRequest request =
      conversation({{Role::kSystem, "You are a title generator. You output ONLY a thread title. Nothing else."}, {Role::kUser, kTask}});
  EXPECT_EQ(find_task(request).turn, TaskTurn::kSideCall);
}

TEST(Conversation, AcceptsEmptyAndEndlessOnes) {
  EXPECT_TRUE(find_task({}).current.empty());
  GenerationRequest request;
  request.messages.assign(10000, {.role = Role::kTool, .text = "x"});
  EXPECT_EQ(find_task(request).turn, TaskTurn::kToolTurn);
}

}  // namespace
}  // namespace pensieve::selector
