// Measures what access and recording cost, and prints a JSON object for each measurement. With
// arguments, only the measurements so named.

let wanted = Set(CommandLine.arguments.dropFirst())
let benches: KeyValuePairs<String, () -> Void> = [
  "check": CheckBench.run, "callback": CallbackBench.run, "memory": MemoryBench.run,
  "subscribe": SubscribeBench.run, "turn": TurnBench.run, "record": RecordBench.run,
]
for (name, run) in benches where wanted.isEmpty || wanted.contains(name) { run() }
