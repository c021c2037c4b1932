#include "cli/report/export/sqlite_tables.h"

const char sqlite_tables[] =
    "CREATE TABLE runs (run_id INTEGER PRIMARY KEY, name TEXT, run_key TEXT, command TEXT,"
    " farebox_version TEXT, started TEXT, started_unix_ns INTEGER, workload TEXT,"
    " configuration TEXT, summary TEXT);"
    "CREATE TABLE requests (run_id INTEGER, request_id TEXT, session_id TEXT, turn INTEGER,"
    " endpoint TEXT, model TEXT, class TEXT, service TEXT, labels TEXT, status TEXT,"
    " error TEXT, message TEXT, http_status INTEGER, finish_reason TEXT, attempts INTEGER,"
    " asked_input_tokens INTEGER, asked_output_tokens INTEGER, usage_from TEXT,"
    " input_tokens INTEGER, cached_input_tokens INTEGER, output_tokens INTEGER,"
    " reasoning_tokens INTEGER, chunks INTEGER, scheduled_ns INTEGER, sent_ns INTEGER,"
    " scheduled_unix_s REAL, scheduled_ms REAL, queue_ms REAL, send_lag_ms REAL,"
    " ttft_ms REAL, ttft_scheduled_ms REAL, ttfo_ms REAL, tpot_ms REAL, e2e_ms REAL,"
    " e2e_scheduled_ms REAL, done_ms REAL, cost_usd TEXT);"
    "CREATE TABLE attempts (run_id INTEGER, row INTEGER, request_id TEXT, session_id TEXT,"
    " attempt INTEGER, final INTEGER, endpoint TEXT, model TEXT, class TEXT, service TEXT,"
    " labels TEXT, scheduled_ns INTEGER, ready_ns INTEGER, sent_ns INTEGER,"
    " first_byte_ns INTEGER, first_token_ns INTEGER, first_output_ns INTEGER,"
    " first_reasoning_ns INTEGER, first_text_ns INTEGER, first_tool_ns INTEGER,"
    " last_token_ns INTEGER, done_ns INTEGER, dns_ns INTEGER, connect_ns INTEGER,"
    " tls_ns INTEGER, status TEXT, error TEXT, message TEXT, http_status INTEGER,"
    " finish_reason TEXT, asked_input_tokens INTEGER, asked_output_tokens INTEGER,"
    " asked_images INTEGER, usage_from TEXT, uncached_input INTEGER, cached_input INTEGER,"
    " cache_write INTEGER, cache_write_1h INTEGER, output INTEGER, reasoning INTEGER,"
    " image_input INTEGER, audio_input INTEGER, video_input INTEGER,"
    " cached_image_input INTEGER, cached_audio_input INTEGER, image_output INTEGER,"
    " audio_output INTEGER, extras TEXT, streamed INTEGER, chunks INTEGER,"
    " first_chunk_tokens INTEGER, reasoning_chunks INTEGER, buffered INTEGER, odd TEXT,"
    " connects INTEGER, long_history INTEGER, cost_usd TEXT, text TEXT, raw_usage TEXT,"
    " PRIMARY KEY (run_id, row));"
    "CREATE TABLE chunks (run_id INTEGER, row INTEGER, n INTEGER, at_ns INTEGER,"
    " PRIMARY KEY (run_id, row, n)) WITHOUT ROWID;"
    "CREATE TABLE summary (run_id INTEGER, key TEXT, value);"
    "CREATE TABLE metrics (run_id INTEGER, part TEXT, metric TEXT, count INTEGER, mean REAL,"
    " stddev REAL, min REAL, p50 REAL, p90 REAL, p95 REAL, p99 REAL, p999 REAL, max REAL,"
    " quantile_method TEXT);"
    "CREATE TABLE timeline (run_id INTEGER, t_s REAL, seconds REAL, due INTEGER,"
    " sent INTEGER, completed INTEGER, failed INTEGER, cancelled INTEGER, unsent INTEGER,"
    " output_tokens INTEGER, in_flight INTEGER);"
    "CREATE TABLE server (run_id INTEGER, t_ns INTEGER, source TEXT, metric TEXT,"
    " value REAL);"
    "CREATE TABLE bills (run_id INTEGER, plan TEXT, caps TEXT, rank INTEGER, total_usd TEXT,"
    " prorated_usd TEXT, subscriptions INTEGER, periods INTEGER, requests INTEGER,"
    " served INTEGER, rejected INTEGER, delayed INTEGER, truncated INTEGER, unpriced INTEGER,"
    " details TEXT);"
    "CREATE TABLE bill_parts (run_id INTEGER, plan TEXT, caps TEXT, kind TEXT, name TEXT,"
    " usd TEXT);"
    "CREATE TABLE charges (run_id INTEGER, plan TEXT, caps TEXT, request_id TEXT, fate TEXT,"
    " due_ns INTEGER, delay_ms REAL, charge_usd TEXT);"
    "CREATE INDEX attempts_of_requests ON attempts (run_id, request_id);"
    "CREATE INDEX requests_by_time ON requests (run_id, scheduled_ns);"
    "CREATE VIEW requests_real AS SELECT *, CAST(cost_usd AS REAL) AS cost FROM requests;"
    "CREATE VIEW attempts_real AS SELECT *, CAST(cost_usd AS REAL) AS cost FROM attempts;"
    "CREATE VIEW bills_real AS SELECT *, CAST(total_usd AS REAL) AS total,"
    " CAST(prorated_usd AS REAL) AS prorated FROM bills;"
    "CREATE VIEW bill_parts_real AS SELECT *, CAST(usd AS REAL) AS amount FROM bill_parts;"
    "CREATE VIEW charges_real AS SELECT *, CAST(charge_usd AS REAL) AS charge FROM charges;";

/* Which names SQLite quotes in a path differs by its version. */
const char sqlite_add_summary[] =
    "INSERT INTO summary SELECT ?1, replace(substr(fullkey, 3), '\"', ''), atom FROM json_tree(?2)"
    " WHERE type NOT IN ('object', 'array')";

const char sqlite_add_metrics[] =
    "INSERT INTO metrics SELECT ?1, part, key, value ->> 'count', value ->> 'mean',"
    " value ->> 'stddev', value ->> 'min', value ->> 'p50', value ->> 'p90', value ->> 'p95',"
    " value ->> 'p99', value ->> 'p999', value ->> 'max', value ->> 'quantile_method'"
    " FROM (SELECT 'window' AS part, key, value, type FROM json_each(?2)"
    " UNION ALL SELECT 'all', key, value, type FROM json_each(?2, '$.all'))"
    " WHERE type = 'object' AND key GLOB '*_ms'";

const char sqlite_add_timeline[] =
    "INSERT INTO timeline VALUES (?1, ?2 ->> 't_s', ?2 ->> 'seconds', ?2 ->> 'due',"
    " ?2 ->> 'sent', ?2 ->> 'completed', ?2 ->> 'failed', ?2 ->> 'cancelled', ?2 ->> 'unsent',"
    " ?2 ->> 'output_tokens', ?2 ->> 'in_flight')";

const char sqlite_add_server[] =
    "INSERT INTO server SELECT ?1, ?2 ->> 't_ns', ?2 ->> 'source', key, value FROM"
    " (SELECT key, value, type FROM json_each(?2)"
    " UNION ALL SELECT key, value, type FROM json_each(?2, '$.other'))"
    " WHERE type IN ('integer', 'real') AND key <> 't_ns'";

const char sqlite_add_bills[] =
    "INSERT INTO bills SELECT ?1, value ->> 'plan', value ->> 'caps', value ->> 'rank',"
    " value ->> 'total_usd',"
    " value ->> 'prorated_usd', value ->> 'subscriptions', value ->> 'periods',"
    " value ->> 'requests', value ->> 'served', value ->> 'rejected', value ->> 'delayed',"
    " value ->> 'truncated', value ->> 'unpriced', value FROM json_each(?2, '$.plans')";

const char sqlite_add_parts[] =
    "INSERT INTO bill_parts SELECT ?1, p.value ->> 'plan', p.value ->> 'caps', 'line', l.key,"
    " l.value ->> 'total_usd' FROM json_each(?2, '$.plans') p, json_each(p.value, '$.lines') l"
    " UNION ALL SELECT ?1, p.value ->> 'plan', p.value ->> 'caps', 'part', l.key,"
    " l.value ->> 'usd' FROM json_each(?2, '$.plans') p, json_each(p.value, '$.parts') l";

/* In the order of their sending, as in requests.csv. */
const char sqlite_number_turns[] =
    "UPDATE requests SET turn = o.n FROM (SELECT rowid AS id, row_number() OVER (PARTITION BY"
    " session_id ORDER BY sent_ns IS NULL, sent_ns, scheduled_ns, rowid) - 1 AS n FROM requests"
    " WHERE run_id = ?1 AND session_id IS NOT NULL) o WHERE requests.rowid = o.id";
