// The service of tests/harness.ts, with every request going over a real socket.

import { aService, type Service, type ServiceOptions } from "../harness.ts";

export async function onSocket(options: ServiceOptions = {}): Promise<Service> {
  const service = await aService(options);
  const url = service.listen();
  service.app.request = (path, init) => fetch(url + path, init);
  return service;
}
