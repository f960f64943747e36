// The worker process: one engine behind a socket.
#pragma once

#include <functional>
#include <memory>

#include "engine/engine.h"
#include "ipc/messages.h"

namespace pensieve::worker {

// What the worker needs of the engine; tests give a fake one.
struct EngineFunctions {
  std::function<void()> initialise;
  std::function<ipc::Hello()> hello;
  std::function<Result<std::unique_ptr<engine::Engine>>(const ipc::LoadModel&, engine::EventSink)> load;
};

// Serves the connected socket until the other side ends it or says Shutdown; returns the exit code.
// Exceptions of `functions` and of the engine become errors of the request they belong to.
// The socket thread is the caller's; a model is opened on a thread of its own, so that pings are
// answered meanwhile.
int serve(int descriptor, const EngineFunctions& functions);

// The process `pensieve worker --fd N --parent PID`: ends with its parent, is the kernel's first
// choice when memory runs out, then serve() with the real engine.
int worker_main(int descriptor, long parent);

}  // namespace pensieve::worker
