/** The parts of dynalite 4.0.0 that are used below its HTTP server. */
declare module 'dynalite/db/index.js' {
  export interface Store {
    readonly db: { open(): Promise<void> };
    readonly tableDb: { put(name: string, table: object, done: (error: unknown) => void): void };
    readonly lifecycleManager: { gracefulClose(): Promise<void> };
  }
  const db: {
    create(options: {
      readonly path: string;
      readonly createTableMs: number;
      readonly deleteTableMs: number;
      readonly updateTableMs: number;
    }): Store;
  };
  export default db;
}

declare module 'dynalite/validations/index.js' {
  import type { Store } from 'dynalite/db/index.js';

  const validations: {
    checkTypes(input: object, types: object): object;
    checkValidations(input: object, types: object, custom: unknown, store: Store): void;
  };
  export default validations;
}
