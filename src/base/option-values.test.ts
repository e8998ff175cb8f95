import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnyOption, defaultText, kindText, placeholderText } from './option-values.ts';

const about = { key: 'a.b', help: 'x' };

const SHOWN: readonly (readonly [AnyOption, string, string])[] = [
  [{ ...about, type: 'duration', default: 90_000 }, '90s', 'a duration of at least 0'],
  [{ ...about, type: 'duration', default: 3_600_000 }, '1h', 'a duration of at least 0'],
  [{ ...about, type: 'bytes', default: 4_096, maximum: 2 ** 30 }, '4KiB', 'a size from 0 to 1GiB'],
  [{ ...about, type: 'bytes', default: 1_000 }, '1000', 'a size of at least 0'],
  [{ ...about, type: 'integer', default: 0, minimum: -5 }, '0', 'an integer of at least -5'],
  [{ ...about, type: 'hostPort', default: { host: 'a', port: 1 } }, 'a:1', 'an address'],
  [{ ...about, type: 'hostPorts', default: [{ host: 'a', port: 1 }] }, 'a:1', 'one or more addr'],
  [{ ...about, type: 'boolean', default: false }, 'false', 'true or false'],
  [{ ...about, type: 'string', default: null }, '', 'a text'],
];

for (const [option, written, kind] of SHOWN) {
  test(`a default of type ${option.type} is shown as "${written}", its kind as "${kind} …"`, () => {
    assert.equal(defaultText(option), written);
    assert.equal(kindText(option).slice(0, kind.length), kind);
  });
}

test('the placeholder of an enumeration is its values', () => {
  const option: AnyOption = {
    ...about,
    type: 'enumeration',
    values: ['fsync', 'os'],
    default: 'os',
  };
  assert.equal(placeholderText(option), 'fsync|os');
});
