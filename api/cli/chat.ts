export const chat = async (): Promise<void> => {}
