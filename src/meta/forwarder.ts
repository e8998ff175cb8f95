/**
 * What a meta server answers while it does not lead: that another one does, and which, in the form of the original.
 *
 *  - A query of configurations carries the leader in the place of partitions, which all clients of the original read.
 *  - Clients whose frames say that they can be forwarded (the C++ client) get the leader instead of an answer. Programs
 *    that do so and listen themselves get the answer of the leader, which is asked for them (rpc/rdsn-relay.ts).
 *  - Everything else says ERR_FORWARD_TO_OTHERS where its answer has its error.
 *  - Elected, and not ready yet: ERR_SERVICE_NOT_ACTIVE; the client asks here again.
 */
import { EMPTY_BYTES } from '../base/bytes.ts';
import { ErrorCode, errorName } from '../base/error-names.ts';
import type { HostPort } from '../model/identity.ts';
import type { RdsnRelay } from '../rpc/rdsn-relay.ts';
import type { RequestHandler, ThriftSession } from '../rpc/thrift-session.ts';
import * as wire from '../wire/generated/meta.ts';
import type { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { NegotiationStatus } from '../wire/schema/meta.ts';
import type { RequestHeader } from '../wire/thrift-frame.ts';
import type { Writer } from '../wire/writer.ts';
import { ERROR_ANSWERS } from './error-answers.ts';
import type { LeadershipState } from './leadership.ts';
import type { MetaOptions } from './options.ts';

export interface ForwarderFacts {
  readonly state: LeadershipState;
  readonly leader: HostPort | null;
}

export class Forwarder implements RequestHandler {
  readonly #facts: ForwarderFacts;
  readonly #relay: RdsnRelay;
  readonly #options: Pick<MetaOptions, 'hostPortFields'>;

  constructor(
    facts: ForwarderFacts,
    relay: RdsnRelay,
    options: Pick<MetaOptions, 'hostPortFields'>,
  ) {
    this.#facts = facts;
    this.#relay = relay;
    this.#options = options;
  }

  onRequest(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    const { rpc, seqid } = header;
    if (rpc === RpcCode.negotiation) {
      const writer = session.beginReply(rpc, seqid);
      wire.writeNegotiationResponse(writer, {
        status: NegotiationStatus.authDisable,
        msg: EMPTY_BYTES,
      });
      session.finishReply();
      return;
    }
    const refuse = ERROR_ANSWERS.get(rpc);
    if (refuse === undefined) {
      session.replyError(rpc, seqid, ErrorCode.handlerNotFound);
      return;
    }
    const { state, leader } = this.#facts;
    if (state === 'beginning') {
      answer(session, rpc, seqid, (writer) =>
        refuse(writer, errorName(ErrorCode.serviceNotActive)),
      );
      return;
    }
    if (leader !== null && session.replyForward(rpc, seqid, leader)) return;
    if (leader !== null && this.#relay.pass(session, header, reader, leader)) return;
    const err = errorName(ErrorCode.forwardToOthers);
    if (rpc === RpcCode.queryPartitionConfig && leader !== null) {
      const hostPorts = this.#options.hostPortFields || session.needsHostPorts;
      answer(session, rpc, seqid, (writer) => writeLeader(writer, err, leader, hostPorts));
    } else {
      answer(session, rpc, seqid, (writer) => refuse(writer, err));
    }
  }

  onSessionClosed(_session: ThriftSession): void {}
}

function answer(
  session: ThriftSession,
  rpc: RpcCode,
  seqid: number,
  write: (writer: Writer) => void,
): void {
  write(session.beginReply(rpc, seqid));
  session.finishReply();
}

function writeLeader(writer: Writer, err: string, leader: HostPort, hostPortFields: boolean): void {
  const place = {
    ...wire.makeWirePartitionConfiguration(),
    primary: leader,
    hpPrimary: hostPortFields ? leader : undefined,
  };
  wire.writeQueryCfgResponse(writer, { ...wire.makeQueryCfgResponse(), err, partitions: [place] });
}
