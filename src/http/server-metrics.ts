/** Measurements that every server has: of its process and of its network side. */
import type { RpcStatistics } from '../rpc/statistics.ts';
import { counter, gauge, type Metric } from './metrics.ts';

const MEGABYTE = 1_048_576;

export function serverMetrics(statistics: RpcStatistics): Metric[] {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  return [
    gauge('resident_mem_usage_mb', 'MegaBytes', rss / MEGABYTE, 'memory that the process holds'),
    gauge('heap_used_bytes', 'Bytes', heapUsed, 'ours: objects of JavaScript'),
    gauge('heap_external_bytes', 'Bytes', external, 'ours: what those hold outside of the heap'),
    gauge('heap_array_buffer_bytes', 'Bytes', arrayBuffers, 'ours: of that, array buffers'),
    gauge('network_server_sessions', 'Sessions', statistics.sessionsOpen, 'clients connected'),
    counter('network_requests', 'Requests', statistics.requests, 'requests of clients'),
    counter('network_replies', 'Replies', statistics.replies, 'answers to clients'),
    counter(
      'network_malformed_frames',
      'Connections',
      statistics.framesMalformed,
      'connections closed for what was sent on them',
    ),
    counter(
      'network_refused_connections',
      'Connections',
      statistics.connectionsRefused,
      'connections that spoke no known dialect, or were too many',
    ),
    counter(
      'network_dropped_messages',
      'Messages',
      statistics.messagesDropped,
      'messages between servers that could not be sent',
    ),
  ];
}
