/** The two dialects in which clients speak to a server: the same procedures in frames of two kinds. */
import type { ClientEnvironment } from '../env/environment.ts';
import type { HostPort } from '../model/identity.ts';
import { RdsnDialect } from '../wire/rdsn-frame.ts';
import { RemoteCommands, type RemoteCommandTable } from './remote-commands.ts';
import { ProtocolMagic, type RpcServer } from './server.ts';
import type { RpcStatistics } from './statistics.ts';
import { DEFAULT_THRIFT_OPTIONS, type RequestHandler, ThriftProtocol } from './thrift-session.ts';

/**
 * From now on clients of `rpc` are answered by `handler`, remote commands excepted, to which it adds its own;
 * `address` is how the server calls itself.
 */
export function speakToClients(
  rpc: RpcServer,
  environment: ClientEnvironment,
  statistics: RpcStatistics,
  handler: RequestHandler,
  address: HostPort,
  ownCommands: RemoteCommandTable = new Map(),
): void {
  const options = DEFAULT_THRIFT_OPTIONS;
  const commands = new RemoteCommands(environment.clock, statistics, handler, ownCommands);
  const thrift = new ThriftProtocol(environment, options, statistics, commands);
  const dialectOf = (): RdsnDialect => new RdsnDialect(address);
  const rdsn = new ThriftProtocol(environment, options, statistics, commands, dialectOf);
  rpc.speak(ProtocolMagic.thrift, thrift);
  rpc.speak(ProtocolMagic.rdsn, rdsn);
}
