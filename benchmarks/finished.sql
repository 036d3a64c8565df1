SET session_replication_role = replica;
CREATE FUNCTION pg_temp.new_id() RETURNS text LANGUAGE sql AS $$ SELECT concat_ws('-', left(moment, 8), substr(moment, 9), '7' || left(chance, 3), '8' || substr(chance, 4, 3), right(chance, 12)) FROM (SELECT lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') AS moment, md5(random()::text) AS chance) AS made $$;
CREATE TEMPORARY TABLE made AS SELECT number, pg_temp.new_id() AS request, pg_temp.new_id() AS plan FROM generate_series(1000, 999 + :plans) AS number;
CREATE TEMPORARY TABLE step AS SELECT made.*, place, pg_temp.new_id() AS task, pg_temp.new_id() AS attempt FROM made, generate_series(1, 5) AS place;
INSERT INTO requests SELECT fresh.* FROM made, (SELECT requests AS old FROM requests LIMIT 1) AS one, LATERAL jsonb_populate_record(one.old, jsonb_build_object('id', request, 'source_key', NULL)) AS fresh;
INSERT INTO plans SELECT fresh.* FROM made, (SELECT plans AS old FROM plans LIMIT 1) AS one, LATERAL jsonb_populate_record(one.old, jsonb_build_object('id', plan, 'request_id', request, 'number', number, 'status', 'completed', 'ended_at', now())) AS fresh;
INSERT INTO tasks SELECT fresh.* FROM step, (SELECT tasks AS old FROM tasks LIMIT 1) AS one, LATERAL jsonb_populate_record(one.old, jsonb_build_object('id', task, 'plan_id', plan, 'step_number', place, 'status', 'completed')) AS fresh;
INSERT INTO attempts (id, task_id, plan_id, number, round, agent_id, incarnation, status, sequence, reserved, lease_until, cancel_wanted, created_at, started_at, ended_at) SELECT attempt, task, plan, 1, 1, (SELECT id FROM agents LIMIT 1), 'one', 'succeeded', 0, '{}', now(), false, now(), now(), now() FROM step;
INSERT INTO execution_logs (id, plan_id, task_id, attempt_id, attempt_number, step_number, agent_id, work_type, status, output, reason, use) SELECT pg_temp.new_id(), plan, task, attempt, 1, place, 'one', 'do_nothing', 'succeeded', '', '', '{}' FROM step;
INSERT INTO outbox (id, queue, message_type, body, attempt_id, tries, created_at, sent_at) SELECT pg_temp.new_id(), 'work', 'work_request', '{}', attempt, 1, now(), now() FROM step;
INSERT INTO audit_events (id, request_id, plan_id, subject, sequence, kind, actor, details, correlation_id, at) SELECT pg_temp.new_id(), request, plan, plan, place, 'attempt_succeeded', 'one', '{}', request, now() FROM step;
ANALYZE
