CheckBench.run()
MemoryBench.run()
SubscribeBench.run()
TurnBench.run()
