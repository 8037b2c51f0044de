import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';

export type Item = Record<string, unknown> & { pk: string; sk: string };
export type Table = ReturnType<typeof createTable>;

/** The one table, as plain objects. Every write is a conditional write of one item. */
export function createTable(tableName: string) {
  const client = new DynamoDBClient({});
  return {
    async get(key: { pk: string; sk: string }): Promise<Item | undefined> {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: tableName, Key: marshall(key), ConsistentRead: true }),
      );
      return Item && (unmarshall(Item) as Item);
    },

    /** All items of one partition, in the order of `sk`. */
    async query({ pk }: { pk: string }): Promise<Item[]> {
      const items: Item[] = [];
      let start: Record<string, never> | undefined;
      do {
        const page = await client.send(
          new QueryCommand({
            TableName: tableName,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: marshall({ ':pk': pk }),
            ConsistentRead: true,
            ExclusiveStartKey: start,
          }),
        );
        for (const item of page.Items ?? []) items.push(unmarshall(item) as Item);
        start = page.LastEvaluatedKey as typeof start;
      } while (start);
      return items;
    },

    /** Up to `limit` items of one partition behind the sort key `after`, in the order of `sk` or against it. */
    async page(
      { pk }: { pk: string },
      { after, limit, descending }: { after?: string | undefined; limit: number; descending: boolean },
    ): Promise<Item[]> {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: tableName,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: marshall({ ':pk': pk }),
          ConsistentRead: true,
          ScanIndexForward: !descending,
          Limit: limit,
          ...(after !== undefined && { ExclusiveStartKey: marshall({ pk, sk: after }) }),
        }),
      );
      return Items.map((item) => unmarshall(item) as Item);
    },

    async remove(key: { pk: string; sk: string }): Promise<void> {
      await client.send(new DeleteItemCommand({ TableName: tableName, Key: marshall(key) }));
    },

    /** Adds one to the `count` of an item, which is made where there is none; undefined: it is `limit` already. */
    async increment({ pk, sk, expiresAt }: Item, limit: number): Promise<number | undefined> {
      try {
        const { Attributes } = await client.send(
          new UpdateItemCommand({
            TableName: tableName,
            Key: marshall({ pk, sk }),
            UpdateExpression: 'SET expiresAt = :expiresAt ADD #count :one',
            ConditionExpression: 'attribute_not_exists(#count) OR #count < :limit',
            ExpressionAttributeNames: { '#count': 'count' },
            ExpressionAttributeValues: marshall({ ':expiresAt': expiresAt, ':one': 1, ':limit': limit }),
            ReturnValues: 'UPDATED_NEW',
          }),
        );
        return unmarshall(Attributes!).count as number;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return undefined;
        throw error;
      }
    },

    /** Puts `item` where no item is, or where the item's `attribute` has the value `equals`; false: neither. */
    async putIf(item: Item, expected: { attribute: string; equals?: unknown }): Promise<boolean> {
      const { attribute, equals } = expected;
      try {
        await client.send(
          new PutItemCommand({
            TableName: tableName,
            Item: marshall(item, { removeUndefinedValues: true }),
            ConditionExpression: `attribute_not_exists(pk)${equals === undefined ? '' : ' OR #attribute = :equals'}`,
            ...(equals !== undefined && {
              ExpressionAttributeNames: { '#attribute': attribute },
              ExpressionAttributeValues: marshall({ ':equals': equals }),
            }),
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },
  };
}
