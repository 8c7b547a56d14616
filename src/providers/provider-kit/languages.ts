/** The language for a locale such as `ar-SA`, with vendors that write in these two. */
export function arabicOrEnglish(locale: string, otherwise: 'ar' | 'en'): 'ar' | 'en' {
  const [language = ''] = locale.toLowerCase().split(/[-_]/);
  return language === 'ar' || language === 'en' ? language : otherwise;
}

/** Of a vendor's own languages the one for a locale such as `pt-BR`: the same, or the first of the same language. */
export function closestLanguage(locale: string, languages: readonly string[]): string | undefined {
  const wanted = locale.toLowerCase().split(/[-_]/);
  const partsOf = (language: string) => language.toLowerCase().split('-');
  return (
    languages.find((language) => partsOf(language).join() === wanted.join()) ??
    languages.find((language) => partsOf(language)[0] === wanted[0])
  );
}
