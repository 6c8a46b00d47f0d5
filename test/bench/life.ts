// Of an agent with a small configuration: how soon it governs after its start, and what it costs while nothing happens.
import { Cgroup } from "../support/cgroup.ts";
import { meshTo } from "./peers.ts";
import { median } from "./statistics.ts";
import { TimedAgent } from "./timed-agent.ts";
import { cpuSeconds, type Memory, memoryOf, moveTo } from "./usage.ts";

export interface Life {
  /** From exec to the programs being attached. */
  readonly startMs: number;
  readonly startsMs: readonly number[];
  readonly idle: Memory;
  readonly idleCpuPercent: number;
}

export interface LifePlan {
  readonly starts: number;
  readonly idleSeconds: number;
}

const settleMs = 3_000;

export async function measureLife(plan: LifePlan, progress: (text: string) => void): Promise<Life> {
  progress("start, memory and CPU of an idle agent");
  using workload = Cgroup.create("bench-idle");
  using own = Cgroup.create("bench-agent");
  const mesh = meshTo("127.96.0.1:80");
  const startsMs: number[] = [];
  for (let i = 0; i < plan.starts; i++) {
    await using agent = TimedAgent.start({ mesh, cgroup: workload.path });
    startsMs.push((await agent.line("workload attached")).at - agent.startedAt);
  }
  await using agent = TimedAgent.start({ mesh, cgroup: workload.path });
  moveTo(own, agent.pid);
  await agent.line("ready");
  await Bun.sleep(settleMs);
  const before = cpuSeconds(own);
  await Bun.sleep(plan.idleSeconds * 1000);
  const idleCpuPercent = ((cpuSeconds(own) - before) / plan.idleSeconds) * 100;
  return { startMs: median(startsMs), startsMs, idle: memoryOf(agent.pid), idleCpuPercent };
}
