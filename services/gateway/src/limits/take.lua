-- Takes ARGV[1] of what each policy allows its caller, of all policies or of none.
-- KEYS[i]: where a policy keeps its caller. ARGV[2i], ARGV[2i+1]: its interval in microseconds, and how much there is at once.
-- Kept is when everything is there again, in microseconds since 2026: since 1970 a double has no room for their fractions.
-- Answers 1 where it was taken, else 0, and then for each policy how long it is until everything is there again.
local time = redis.call('TIME')
local now = (tonumber(time[1]) - 1767225600) * 1000000 + tonumber(time[2])
local cost = tonumber(ARGV[1])
local granted = 1
local before, after = {}, {}
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  -- Never more than all of it: the policy may have been another one, and clocks are set.
  before[i] = math.min(math.max((tonumber(redis.call('GET', key) or '') or 0) - now, 0), burst * interval)
  after[i] = before[i] + cost * interval
  if after[i] > burst * interval + 0.5 then
    granted = 0
  end
end
if granted == 0 then
  table.insert(before, 1, 0)
  return before
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.3f', now + after[i]), 'PX', math.ceil(after[i] / 1000) + 1)
end
table.insert(after, 1, 1)
return after
