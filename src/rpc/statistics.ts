/**
 * Counters of one server's network side, made once and handed to its parts. All only grow, but for the `…Open` ones.
 */
export class RpcStatistics {
  connectionsAccepted = 0;
  connectionsOpen = 0;
  /** First bytes that are no dialect of ours, silent connections, and those above the limit. */
  connectionsRefused = 0;
  sessionsOpen = 0;
  requests = 0;
  /** Procedures that we do not have. */
  requestsUnknown = 0;
  replies = 0;
  /** Connections closed because of what was sent on them. */
  framesMalformed = 0;
  /** Times that a session stopped reading because it had too much to answer. */
  sessionsPaused = 0;
  /** Sessions ended because the client did not read its replies. */
  sessionsOverrun = 0;
  messagesSent = 0;
  messagesReceived = 0;
  /** Messages between servers that were not sent: queue full, no address, or the connection broke. */
  messagesDropped = 0;
  /** Types that this version does not know or that nobody here wants. */
  messagesIgnored = 0;
  peersConnected = 0;
  peersLost = 0;
}
