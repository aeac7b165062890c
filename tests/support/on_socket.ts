// The service of tests/support/service.ts, with every request going over a real socket.

import { aService, type Service, type ServiceOptions } from "./service.ts";

export async function onSocket(options: ServiceOptions = {}): Promise<Service> {
  const service = await aService(options);
  const url = service.listen();
  service.app.request = (path, init) => fetch(url + path, init);
  return service;
}
