import { asyncio } from "./asyncio.ts";
import { celery } from "./celery.ts";
import { concurrentFutures } from "./concurrent_futures.ts";
import { csharp } from "./csharp.ts";
import { prefect } from "./prefect.ts";
import type { System } from "./row.ts";

export const systems: System[] = [csharp, concurrentFutures, asyncio, celery, prefect];
